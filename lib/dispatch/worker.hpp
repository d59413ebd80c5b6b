#pragma once

#include "dispatch/tasks/task_run.hpp"
#include "dispatch/tasks/task_store.hpp"

#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/value_series.hpp>
#include <procx/error/certificate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>

// All that the dispatcher knows of workers: who takes a run of tasks, and gives results. A process of this program is one
// (`local_workers`), this process itself another (`here_workers`).

namespace procx::inline v1::detail {

/// By what a worker is told from others.
struct worker_name {
  std::uint32_t number = 0;   ///< among those of its source: a new one takes the number of one that has ended
  std::int64_t process = 0;   ///< the number of the process it is; 0: of no worker
};

/// How far a worker has come, as far as is known here.
struct worker_progress {
  std::size_t begun = 0;                    ///< of its tasks that have no result here: they cannot be recalled
  bool runs = false;                        ///< the last of those is not over
  std::chrono::nanoseconds running_for{0};  ///< how long it has been seen to run that one; 0: it has gone on since last asked
};

/// Results of a worker's oldest tasks: values one behind the other, or one task's outcome.
struct result_batch {
  value_series values{0, 0, 0, nullptr};  ///< their `id` means nothing; count 0: one outcome, which is …
  std::exception_ptr error = nullptr;     ///< … this, or …
  encoded_value value = {};               ///< … a value that is not only bytes. Valid during the call, as `values` is.
};

/// What is known of a worker that has ended.
struct worker_end {
  bool at_task = false;            ///< it was in the midst of its oldest task, …
  std::uint32_t place = 0;         ///< … which had come so far by its own count
  bool another_was_meant = false;  ///< … which has only met the signal for one before it
  bool at_fault = true;            ///< false: it was ended by what ends all workers
  bool left_badly = false;         ///< it was to leave, and has done so otherwise than by returning
  bool overstayed = false;         ///< likewise: it was killed since it did not leave
  std::exception_ptr complaint = nullptr;       ///< what was wrong with what it has said: this ended it
  std::exception_ptr setup_error = nullptr;     ///< what its setup threw
  std::exception_ptr teardown_error = nullptr;  ///< what its teardown threw
  death_certificate certificate = {};           ///< how it ended
  bool has_certificate = true;                  ///< false: there was no memory for that
};

enum class stop_how : std::uint8_t { ask, kill };

/// Runs tasks, in the order in which it is given them. Everything happens on the dispatcher's loop, and nothing blocks.
class worker {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  virtual ~worker() = default;
  virtual worker_name name() const noexcept = 0;
  /// Whether it knows what such tasks call.
  virtual bool can_run(task_head const& head) const noexcept = 0;
  /// Its next tasks, which leave with the next `flush`. Their bytes stay in the store until their results are here or the
  /// worker has ended.
  virtual void add(task_run const& tasks) = 0;
  virtual void flush() = 0;
  /// How many tasks it may have; it gives results before it runs dry of them.
  virtual void set_credit(std::uint32_t) noexcept {}
  /// Takes back the tasks that it has not begun. How many it keeps of those without results; none: `on_recalled` tells later,
  /// and it is given nothing until then.
  virtual std::optional<std::size_t> recall() = 0;
  virtual worker_progress progress(time_point now) noexcept = 0;
  /// Stops the task that it has `ahead` others before: asks it, or ends the worker, which gives it `grace`. If the task comes to
  /// an end within the grace after all, the worker goes on.
  virtual void stop_task(std::size_t ahead, stop_how how, death_cause cause, std::chrono::nanoseconds grace) noexcept = 0;
  /// No more tasks: it ends when it has done those that it has.
  virtual void retire() noexcept = 0;
  /// Ends it, whatever it is at: it is asked to, unless the grace is 0.
  virtual void end(std::chrono::nanoseconds grace) noexcept = 0;
  /// It was to leave, and has not done so in time.
  virtual void end_now() noexcept = 0;
  /// Every now and then while it has tasks: looks for results that are late, for memory, for a stop of its process. Nobody here
  /// has looked for `absence` before.
  virtual void look_after(time_point, std::chrono::nanoseconds) {}
  /// Whether its results are left where they are for now, so that it waits once there are too many of them.
  virtual void hold_results(bool) {}
  /// Waits for nothing until there is another task, so that the loop may run out of work.
  virtual void rest() {}
  /// Blocks until it has ended: its end, or none if that is not by then. No event tells of it any more.
  virtual std::optional<worker_end> wait_until(std::optional<time_point> until) = 0;

  std::uint32_t seat = 0;  ///< its place in the dispatcher
};

/// The dispatcher, as workers and their source see it.
class worker_events {
 public:
  virtual ~worker_events() = default;
  /// A worker that was ordered is there, or …
  virtual void on_worker(std::unique_ptr<worker> fresh) = 0;
  /// … there is none to be had: `again`, another order may have more luck.
  virtual void on_no_worker(std::exception_ptr why, bool again) = 0;
  /// Oldest tasks first.
  virtual void on_results(worker& from, result_batch const& results) = 0;
  /// After orders were answered in a handler.
  virtual void on_answered() = 0;
  /// Results that a task gives before it is over: each behind its length, as a task's arguments are. They are valid during the
  /// call.
  virtual void on_parts(worker& from, std::span<std::byte const> parts) = 0;
  /// What the task that is to give its result next sends to somebody else, whom `topic` stands for.
  virtual void on_message(worker& from, std::uint64_t topic, std::span<std::byte const> bytes) = 0;
  /// The worker has given what it had for now, and been busy for so long in all: whoever owns tasks may be told.
  virtual void on_turn_over(worker& from, std::chrono::nanoseconds busy) = 0;
  /// The answer to a `recall` that had to wait.
  virtual void on_recalled(worker& from, std::size_t kept) = 0;
  /// It gives nothing any more. The dispatcher lets go of the object, in which nothing may be done after this.
  virtual void on_end(worker& from, worker_end end) = 0;
  /// It has used what it may use, and is to leave when it has done its tasks.
  virtual void on_worn_out(worker& from) = 0;
  /// A handler has failed, and what is known of the tasks cannot be relied on.
  virtual void on_broken(std::exception_ptr why) noexcept = 0;
  virtual task_store const& tasks() const noexcept = 0;

  /// Does what a handler has to do: no exception leaves it.
  template <class F>
  void guarded(F f) noexcept {
    try {
      f();
    } catch (...) {
      on_broken(std::current_exception());
    }
  }
};

/// Where a dispatcher's workers come from.
class worker_source {
 public:
  virtual ~worker_source() = default;
  /// Makes ready, so that workers can be had at once. May block: called before anything runs.
  virtual void prepare() {}
  /// One more worker, for a task like this if it is known for what: answered by `on_worker` or `on_no_worker`, at once or later.
  virtual void order(task_head const* first) = 0;
  /// Waits for nothing until there is another order.
  virtual void rest() {}
  /// After the end of its workers, on which it was told to wait for nothing: `then` once all it has made has gone.
  virtual void shut(std::function<void()> then) = 0;
  /// The same by one that may block.
  virtual void shut_now() noexcept = 0;
};

}  // namespace procx::inline v1::detail
