#pragma once

#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// Who has tasks and wants their results. Called from handlers on the dispatcher's loop, once for each task, never from within
/// `pump` or `cancel`. A value is bytes in memory that is used again: whoever wants to call a user's function that may come
/// back here, or run the loop, copies it first and calls from `on_progress`, or later.
class task_sink {
 public:
  virtual ~task_sink() = default;
  virtual void on_value(std::uint64_t id, pid_t worker, encoded_value const& value) = 0;
  /// The values of tasks that follow each other, from `first` on, for who can make something of that.
  virtual void on_values(std::uint64_t first, pid_t worker, value_series const& values) {
    for (std::size_t i = 0; i < values.count; ++i) on_value(first + i, worker, values.payload(i));
  }
  virtual void on_failure(std::uint64_t id, pid_t worker, std::exception_ptr error) = 0;
  /// After a number of the above, as the last thing that a handler does: the moment to add tasks, or to tell others what
  /// has come. Is to call `pump`, now or from the same loop in a moment.
  virtual void on_progress() = 0;
  /// The dispatcher's own books have suffered, for want of memory mostly: it is stopped, and all that is not over fails with
  /// this. Called in a handler that has nothing more to do.
  virtual void on_broken(std::exception_ptr why) noexcept = 0;
  /// A worker that was to leave has not done so as it should: its teardown has thrown this, or how it has ended. The log has
  /// had a line of it. Called from handlers, and from `stop`.
  virtual void on_bad_ending(std::exception_ptr) noexcept {}
  /// What people call the task with this id.
  virtual std::uint64_t number_of(std::uint64_t id) const { return id; }
};

}  // namespace procx::inline v1::detail
