#pragma once

#include "process/nursery.hpp"

#include <procx/detail/wire/frame.hpp>
#include <procx/dispatch/log_line.hpp>
#include <procx/process/worker_limits.hpp>

#include <chrono>
#include <cstddef>
#include <functional>

namespace procx::inline v1::detail {

/// What workers are made like that are processes of this program.
struct local_options {
  std::size_t workers = 1;  ///< at most so many at once
  std::size_t frame_limit = default_frame_limit;
  captured capture = captured::errors;
  log_sink log = nullptr;                    ///< null: what is captured goes to standard error
  std::chrono::nanoseconds task_timeout{0};  ///< not 0: one that is stopped while it has tasks is ended
  std::size_t memory_limit = 0;              ///< bytes beyond a worker's baseline; 0: none
  worker_limits limits = {};
  bool takes_messages = false;               ///< somebody is there for what tasks send beside their results
  std::function<void()> setup = nullptr;     ///< in each worker, before its first task
  std::function<void()> teardown = nullptr;  ///< and after its last
};

}  // namespace procx::inline v1::detail
