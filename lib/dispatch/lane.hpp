#pragma once

#include "dispatch/dispatcher.hpp"

#include <procx/detail/dispatch/packed_task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// The tasks of one owner in a dispatcher, in their order. Several lanes share the workers, each as much as its weight says:
/// see `schedule`. On the dispatcher's loop, which outlives it; tasks that are not over when it goes are dropped, and nobody
/// is told what becomes of those that have begun.
class lane {
 public:
  explicit lane(dispatcher& d, task_sink& sink, double weight = 1) : lane(d, sink, weight, order::any) {}
  /// Of a serial lane the tasks run one after the other, each when the one before it is over.
  enum class order : bool { any, serial };
  lane(dispatcher& d, task_sink& sink, double weight, order o);
  lane(lane const&) = delete;
  lane& operator=(lane const&) = delete;
  ~lane();

  /// A new task: its arguments are to be written to the buffer before `commit_task`.
  output_archive begin_task(task_head const& head) {
    if (!open_blocks_.empty()) open_blocks_.clear();
    open_head_ = head;
    return output_archive(tasks().begin(), &open_blocks_);
  }
  /// The task's number is the owner's, used again only after it is over. Throws protocol_error if it is larger than a
  /// frame may be; then there is no task.
  void commit_task(std::uint64_t id) {
    if (tasks().open_size() + open_blocks_.bytes() > dispatcher_.settings_.frame_limit) [[unlikely]] refuse_task();
    add(tasks().commit(number_, id, open_head_), open_blocks_);
  }
  void abandon_task() noexcept { tasks().abandon(), open_blocks_.clear(); }
  /// New tasks of a few bytes each: with what says so before them `length`, at most so many; one at least. They are to be
  /// written where this says, before `commit_tasks`.
  task_store::room begin_tasks(std::size_t length, std::size_t most) {
    open_length_ = length;
    return tasks().begin_many(length, std::clamp<std::size_t>(schedule_().short_by(number_, length), 1, most));
  }
  /// As many as were written. Their numbers count up from the first one's.
  void commit_tasks(std::uint64_t first_id, std::size_t count, task_head const& head) {
    if (count == 0) return tasks().abandon();
    enter(tasks().commit_many(number_, first_id, open_length_, count, head));
  }
  /// A new task that was written elsewhere. Throws as `commit_task`.
  void add_task(std::uint64_t id, packed_task task);
  /// The arguments of tasks that were written elsewhere, which fit into frames: see `task_store::adopt`. They become tasks,
  /// in their order, by `add_tasks`, or one by one with what lies in shared memory for it.
  task_store::position adopt(buffer& arguments) { return tasks().adopt(arguments); }
  std::byte const* at(task_store::position const& p) const noexcept { return dispatcher_.tasks_.at(p); }
  /// At most so many, as far as they are alike; moves on behind them. How many.
  std::uint32_t add_tasks(task_store::position& p, std::uint32_t most, task_head const& head, std::uint64_t first_id,
                          slab_sink blocks = slab_sink()) {
    task_run const run = tasks().add(p, most, head, number_, first_id);
    p.offset += run.bytes();
    add(run, blocks);
    return run.count;
  }
  void all_added(task_store::position const& p) noexcept { tasks().all_added(p); }
  /// Values become the arguments of tasks that call `head`, without being decoded: a function of one parameter is given what
  /// another one has returned. Cost: one copy of the bytes.
  void add_values(std::uint64_t first_id, value_series const& values, task_head const& head);
  /// The same of values of any lengths, so many, each behind its length.
  void add_parts(std::uint64_t first_id, std::span<std::byte const> parts, std::size_t count, task_head const& head);

  /// How many of its tasks are not over.
  std::size_t unfinished() const noexcept { return dispatcher_.lanes_[number_].unfinished; }
  bool idle() const noexcept { return unfinished() == 0; }
  std::size_t unassigned() const noexcept { return schedule_().pending(number_); }
  std::size_t unassigned_bytes() const noexcept { return schedule_().pending_bytes(number_); }
  /// How many more tasks would be of use now.
  std::size_t room() const;
  /// The same as a yes or no, for each of many tasks.
  bool wants_more() const noexcept { return !schedule_().has_plenty(number_); }
  /// Whether some worker has nothing to go on with when it is done with its task, nor will have after `pump`.
  bool short_of_tasks() const;
  /// Whether one more task would be begun at once by a worker that has nothing to do or, if there is a `window`, has room for
  /// it there.
  bool wants_one() const;
  /// How many tasks are still to be added in all, if that is known: near the end no worker takes more than its share.
  void expect_remaining(std::size_t count) noexcept { dispatcher_.lanes_[number_].remaining = count; }

  /// Cancels a task, if it is not over; `pump` comes next. One that is dropped or killed fails with task_cancelled, in a
  /// handler of its own. False if it goes on. Cost: linear in the tasks.
  bool cancel(std::uint64_t id, dispatcher::cancellation how) { return dispatcher_.cancel(number_, id, how); }

 private:
  task_store& tasks() noexcept { return dispatcher_.tasks_; }
  schedule const& schedule_() const noexcept { return dispatcher_.schedule_; }
  [[noreturn]] void refuse_task();
  void add(task_run task, slab_sink& blocks) {
    if (!blocks.empty()) [[unlikely]] attach_blocks(task, blocks);
    enter(task);
  }
  void enter(task_run const& tasks) {
    dispatcher_.schedule_.add(tasks);
    dispatcher_.lanes_[number_].unfinished += tasks.count;
  }
  void attach_blocks(task_run& task, slab_sink& blocks);

  dispatcher& dispatcher_;
  std::uint32_t number_;
  slab_sink open_blocks_;  // of the task that is being written
  std::size_t open_length_ = 0;
  task_head open_head_;  // likewise
};

}  // namespace procx::inline v1::detail
