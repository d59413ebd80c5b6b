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

/// How a `process_pool` goes about it. The defaults suit nearly everything.
struct pool_options {
  /// How many there may be; they start as there is work for them.
  worker_count workers = {};
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
  /// A worker that has had nothing to do for so long ends, and another is started when there is work again; 0: never.
  /// On an executor of your own workers stay, since a timer would keep it from running out of work.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(30);
  /// Maximum number of tasks that are under way; 0: no limit. Beyond it `submit` and `post` wait. `async_submit` never waits,
  /// nor does any on an executor of your own: there the task waits for its turn.
  std::size_t capacity = 65536;
  /// As `capacity`, for the bytes of their encoded arguments.
  std::size_t capacity_bytes = std::size_t{256} << 20;
  /// Tasks in flight on one worker; 0: as many as fill some milliseconds, between 2 and 4,096.
  unsigned window = 0;
  /// The largest encoded call or result, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
  /// A directory in which the arguments of tasks that fail for good are kept, a file each, for `px::replay`. It is made and
  /// tried when the pool is: filesystem_error if no file may be there. What cannot be saved later is said in the task's error
  /// and the log. Empty: they are not. Large arguments are then never given away to the worker: a copy stays here.
  std::filesystem::path save_failures = {};
  /// What the workers print, to standard output or standard error, passes through this process, line by line, and the last
  /// of it is kept for `process_died`. Otherwise they print where this process does.
  bool capture_output = true;
  /// Who is given those lines, with the worker and the task that printed them; null: they go to this process's standard
  /// error. Costs half a microsecond a task.
  log_sink log = nullptr;
  /// Called in each worker before its first task. A worker whose setup throws ends; a pool none of whose workers can be
  /// set up fails its tasks with what the setup threw.
  std::function<void()> setup = nullptr;
  /// Called in each worker after its last task, unless it is killed: as one is that is to leave and has not left after
  /// `grace`, or a second if that is more. What it throws, and any other way of a worker to end then than by returning, is a
  /// line in the `log` (or on standard error), and is thrown by `drain`.
  std::function<void()> teardown = nullptr;
};

}  // namespace procx::inline v1
