#pragma once

#include <procx/dispatch/log_line.hpp>
#include <procx/process/worker_count.hpp>
#include <procx/process/worker_limits.hpp>
#include <procx/detail/wire/frame.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>

namespace procx::inline v1 {

/// How a parallel queue goes about it. The defaults suit nearly everything.
struct parallel_queue_options {
  worker_count workers = {};
  /// So many items there may be between `put` and `get`, whether they wait, run or are finished; 0: 32,768 for
  /// each worker. All that one slow task can make wait behind it.
  std::size_t capacity = 0;
  /// As `capacity`, for the bytes of encoded arguments and of results that were not taken. An item that is larger goes
  /// through alone. While results turn out larger than their arguments it may be half as much again, and what the
  /// workers are at.
  std::size_t capacity_bytes = std::size_t{256} << 20;
  /// How often a failed task is tried again: so often after exceptions, and so often after deaths of its process.
  unsigned retries = 0;
  /// How long to wait before a task is tried again: twice as long after each failure, at most 64 times; 0: not at all.
  std::chrono::nanoseconds backoff{0};
  /// What one task may take, from when it begins to run; 0: as long as it likes. Checked every 10 ms.
  std::chrono::nanoseconds task_timeout{0};
  /// A worker that is to be killed gets SIGTERM, and SIGKILL if it is still there after so long; 0: SIGKILL at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// What a worker may use, in bytes beyond what it has before its first task; 0: anything. An allocation that would
  /// exceed it fails (`std::bad_alloc` in the task); one in which more is resident nevertheless is killed.
  std::size_t memory_limit = 0;
  /// Priority, processors, resources of the workers, and for how long each is kept.
  worker_limits limits = {};
  /// Tasks in flight on one worker; 0: as many as fill some milliseconds, between 2 and 8,192.
  unsigned window = 0;
  /// The largest encoded call or result, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
  /// A directory in which the arguments of tasks that fail for good are kept, a file each, for `px::replay`. It is made and
  /// tried when the queue is: filesystem_error if no file may be there. What cannot be saved later is said in the task's error
  /// and the log. Empty: they are not. Large arguments are then never given away to the worker: a copy stays here.
  std::filesystem::path save_failures = {};
  /// What the workers print, to standard output or standard error, passes through this process, line by line, and the last
  /// of it is kept for `process_died`. Otherwise they print where this process does.
  bool capture_output = true;
  /// Who is given those lines, with the worker and the task that printed them; null: they go to this process's standard
  /// error. Costs half a microsecond a task.
  log_sink log = nullptr;
  /// Called in each worker before its first task. A worker whose setup throws ends; if no worker can be set up, tasks
  /// fail with what the setup threw.
  std::function<void()> setup = nullptr;
  /// Called in each worker after its last task, unless it is killed: as one is that is to leave and has not left after
  /// `grace`, or a second if that is more. What it throws, and any other way of a worker to end then than by returning, is a
  /// line in the `log` (or on standard error), and is thrown by `join`.
  std::function<void()> teardown = nullptr;
};

}  // namespace procx::inline v1
