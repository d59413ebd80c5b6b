#pragma once

#include "dispatch/worker.hpp"

#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

namespace procx::inline v1::detail {

/// Who has tasks in a lane and wants their results. Called from handlers on the dispatcher's loop, once for each task, never
/// from within `pump` or `cancel`. A value is bytes in memory that is used again: whoever wants to call a user's function that
/// may come back here, or run the loop, copies it first and calls from `on_progress`, or later.
class task_sink {
 public:
  virtual ~task_sink() = default;
  virtual void on_value(std::uint64_t id, worker_name const& from, encoded_value const& value) = 0;
  /// The values of tasks that follow each other, from `first` on, for who can make something of that.
  virtual void on_values(std::uint64_t first, worker_name const& from, value_series const& values) {
    for (std::size_t i = 0; i < values.count; ++i) on_value(first + i, from, values.payload(i));
  }
  /// `from`: of no process, if the task was not begun.
  virtual void on_failure(std::uint64_t id, worker_name const& from, std::exception_ptr error) = 0;
  /// Results that a task gives before it is over, each behind its length as arguments of a task are. Only of tasks that are
  /// made for that.
  virtual void on_parts(std::uint64_t, std::span<std::byte const>) {}
  /// The task is tried again: what it gave of its results will come again.
  virtual void on_retry(std::uint64_t) {}
  /// What a task sends to somebody else, whom `topic` stands for.
  virtual void on_message(std::uint64_t, std::uint64_t, std::span<std::byte const>) {}
  /// The process that was at this task has died; the task had said that it was so far. Its failure follows.
  virtual void on_place(std::uint64_t, std::uint32_t) {}
  /// After a number of the above, as the last thing that a handler does: the moment to add tasks, or to tell others what
  /// has come. Is to call `pump`, now or from the same loop in a moment.
  virtual void on_progress() = 0;
  /// The dispatcher's own books have suffered, for want of memory mostly: it is stopped, and all that is not over fails with
  /// this. Called in a handler that has nothing more to do.
  virtual void on_broken(std::exception_ptr why) noexcept = 0;
  /// A worker that was to leave has not done so as it should: its teardown has thrown this, or how it has ended. The log has
  /// had a line of it. Called from handlers, and from `stop`.
  virtual void on_bad_ending(std::exception_ptr) noexcept {}
};

}  // namespace procx::inline v1::detail
