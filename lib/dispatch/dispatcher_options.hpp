#pragma once

#include "dispatch/tasks/schedule.hpp"

#include <procx/detail/wire/frame.hpp>
#include <procx/dispatch/log_line.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>

namespace procx::inline v1::detail {

/// How a dispatcher goes about it.
struct dispatcher_options {
  std::size_t workers = 1;
  std::size_t frame_limit = default_frame_limit;
  log_sink log = nullptr;                    ///< of what goes wrong where nobody waits; null: standard error
  std::chrono::nanoseconds task_timeout{0};  ///< 0: none
  std::chrono::nanoseconds grace{0};         ///< between asking a worker to end and ending it; 0: at once
  std::chrono::nanoseconds backoff{0};       ///< before the second attempt
  std::chrono::nanoseconds linger{0};        ///< tasks that are too few for a window wait so long for others
  std::chrono::nanoseconds drain{0};         ///< after a first signal to stop everything goes on for so long
  std::size_t recycle_after_tasks = 0;       ///< a worker ends after so many; 0: it is kept
  std::filesystem::path save_failures = {};  ///< the directory; empty: they are not saved
  std::chrono::nanoseconds idle_timeout{0};  ///< after which a worker without tasks ends; 0: never
  schedule::settings policy = {};
  /// The time; null: the steady clock's. With a clock of somebody else's, he calls `tick` as well.
  std::function<std::chrono::steady_clock::time_point()> now = nullptr;
};

}  // namespace procx::inline v1::detail
