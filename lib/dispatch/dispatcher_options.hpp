#pragma once

#include "dispatch/tasks/books.hpp"
#include "process/nursery.hpp"

#include <procx/process/log_line.hpp>
#include <procx/process/worker_limits.hpp>
#include <procx/detail/wire/frame.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>

namespace procx::inline v1::detail {

/// How a dispatcher goes about it.
struct dispatcher_options {
  std::size_t workers = 1;
  std::size_t frame_limit = default_frame_limit;
  captured capture = captured::errors;
  log_sink log = nullptr;                    ///< null: what is captured goes to standard error
  std::chrono::nanoseconds task_timeout{0};  ///< 0: none
  std::chrono::nanoseconds grace{0};         ///< between SIGTERM and SIGKILL; 0: SIGKILL at once
  std::chrono::nanoseconds backoff{0};       ///< before the second attempt
  std::size_t memory_limit = 0;              ///< bytes beyond a worker's baseline; 0: none
  worker_limits limits = {};
  std::filesystem::path save_failures = {};  ///< the directory; empty: they are not saved
  std::chrono::nanoseconds idle_timeout{0};  ///< after which a worker without tasks ends; 0: never
  std::function<void()> setup = nullptr;     ///< in each worker, before its first task
  std::function<void()> teardown = nullptr;  ///< and after its last
  books::settings policy = {};

  /// What the options of everything that runs tasks say of each task.
  template <class Options>
  void take(Options const& o) {
    policy.retries = o.retries;
    backoff = o.backoff;
    task_timeout = o.task_timeout;
    grace = o.grace;
    memory_limit = o.memory_limit;
    limits = o.limits;
  }
};

}  // namespace procx::inline v1::detail
