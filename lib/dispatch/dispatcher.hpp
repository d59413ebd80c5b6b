#pragma once

#include "dispatch/board.hpp"
#include "dispatch/dispatcher_options.hpp"
#include "memory/slab_arena.hpp"
#include "dispatch/task_sink.hpp"
#include "dispatch/tasks/books.hpp"
#include "dispatch/tasks/delayed_tasks.hpp"
#include "dispatch/tasks/task_store.hpp"
#include "dispatch/worker.hpp"
#include "dispatch/worker_link.hpp"
#include "process/nursery.hpp"
#include "process/resources/control_group.hpp"
#include "process/resources/oom_watch.hpp"
#include "system/event_loop.hpp"
#include "system/ticker.hpp"

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/packed_task.hpp>
#include <procx/process/log_line.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// The one who hands tasks to worker processes, and makes sure that each comes to exactly one end.
///
/// Tasks are bytes, and so are results. Workers come from a nursery that is forked when the first one is needed or
/// `prepare` is called, start on demand, and are replaced when they die. Which task goes where is decided by `books`;
/// here bytes are moved. What one worker has not begun goes to another that has nothing to do. Not thread-safe:
/// everything happens on the loop's executor.
class dispatcher {
 public:
  using settings = dispatcher_options;

  dispatcher(event_loop& loop, settings const& s, std::shared_ptr<callable_table> callables, task_sink& sink);
  ~dispatcher();

  /// Whether a task may be given away with what it refers to: nobody will want it again.
  /// Thread-safe.
  bool runs_once() const noexcept { return settings_.policy.retries == 0 && settings_.save_failures.empty(); }

  /// Forks the nursery now, with the callables that are in the table.
  void prepare();

  /// A new task: its arguments are to be written to the buffer before `commit_task`.
  output_archive begin_task(task_head const& head) {
    if (!open_blocks_.empty()) open_blocks_.clear();
    open_head_ = head;
    return output_archive(tasks_.begin(), &open_blocks_);
  }
  /// The task's number is the owner's, used again only after it is over. Throws protocol_error if it is larger than a
  /// frame may be; then there is no task.
  void commit_task(std::uint64_t id) {
    if (tasks_.open_size() + open_blocks_.bytes() > settings_.frame_limit) [[unlikely]] refuse_task();
    add(tasks_.commit(id, open_head_), open_blocks_);
  }
  void abandon_task() noexcept { tasks_.abandon(), open_blocks_.clear(); }
  /// New tasks of a few bytes each: with what says so before them `length`, at most so many; one at least. They are to be
  /// written where this says, before `commit_tasks`.
  task_store::room begin_tasks(std::size_t length, std::size_t most) {
    open_length_ = length;
    return tasks_.begin_many(length, std::clamp<std::size_t>(books_.short_by(length), 1, most));
  }
  /// As many as were written. Their numbers count up from the first one's.
  void commit_tasks(std::uint64_t first_id, std::size_t count, task_head const& head) {
    if (count == 0) return tasks_.abandon();
    books_.add(tasks_.commit_many(first_id, open_length_, count, head));
  }
  /// A new task that was written elsewhere. Throws as `commit_task`.
  void add_task(std::uint64_t id, packed_task task);
  /// The arguments of tasks that were written elsewhere, which fit into frames: see `task_store::adopt`. They become tasks,
  /// in their order, by `add_tasks`, or one by one with what lies in shared memory for it.
  task_store::position adopt(buffer& arguments) { return tasks_.adopt(arguments); }
  std::byte const* at(task_store::position const& p) const noexcept { return tasks_.at(p); }
  /// At most so many, as far as they are alike; moves on behind them. How many.
  std::uint32_t add_tasks(task_store::position& p, std::uint32_t most, task_head const& head, std::uint64_t first_id,
                          slab_sink blocks = slab_sink()) {
    task_run const run = tasks_.add(p, most, head, first_id);
    p.offset += run.bytes();
    add(run, blocks);
    return run.count;
  }
  void all_added(task_store::position const& p) noexcept { tasks_.all_added(p); }
  /// Of the arguments of tasks that are not over, with the lengths before them, and in shared memory for them.
  std::size_t task_bytes() const noexcept { return tasks_.bytes(); }
  /// Starts workers and hands out tasks; to be called after tasks were committed or cancelled. Calls no function of the
  /// sink: what turns out to be impossible fails in a handler of its own.
  void pump();

  /// How many more tasks would be of use now.
  std::size_t room() const;
  /// The same as a yes or no, for each of many tasks.
  bool wants_more() const noexcept { return !books_.has_plenty(); }
  /// Whether some worker has nothing to go on with when it is done with its task, nor will have after `pump`.
  bool short_of_tasks() const;
  /// Whether one more task would be begun at once by a worker that has nothing to do or, if there is a `window`, has room for
  /// it there.
  bool wants_one() const;
  /// How many tasks are still to be added in all, if that is known: near the end no worker takes more than its share.
  void expect_remaining(std::size_t count) noexcept { remaining_ = count; }
  bool idle() const noexcept { return books_.pending() + books_.in_flight() + delayed_.size() + given_up_.size() == 0; }
  std::size_t unassigned() const noexcept { return books_.pending(); }
  /// How many workers there may be from now on; those above it end when they are idle.
  void set_limit(std::size_t workers) noexcept { limit_ = workers; }
  std::size_t workers() const noexcept { return books_.workers(); }
  /// Those of them that are on their way out.
  std::size_t leaving() const noexcept;
  /// The processes that have tasks now.
  std::vector<pid_t> busy_pids() const;
  enum class cancellation {
    drop,  ///< unless it has begun
    ask,   ///< as `drop`; if it has begun, it sees `stop_requested`
    kill,  ///< as `drop`; if it has begun, its worker is killed
  };
  /// Cancels a task, if it is not over; `pump` comes next. One that is dropped or killed fails with task_cancelled, in a
  /// handler of its own. False if it goes on. Cost: linear in the tasks.
  bool cancel(std::uint64_t id, cancellation how);
  /// Kills the workers and forgets the tasks.
  void stop() noexcept;
  /// Does what a handler has to do here: no exception leaves it.
  template <class F>
  void guarded(F f) noexcept {
    try {
      f();
    } catch (...) {
      sink_.on_broken(std::current_exception());
    }
  }

 private:
  friend class worker_link;

  // From the links.
  /// The tasks on a worker that is to give their results next, in one series; null if it has none.
  task_run const* next_results(worker_link const& link) const noexcept { return books_.oldest(link.number()); }
  void on_values(worker_link& link, value_series const& values);
  /// What is no value, or one that lies in shared memory.
  void on_result(worker_link& link, frame const& result);
  /// There is no memory for a result.
  void on_refused(worker_link& link, std::exception_ptr why);
  void on_read(worker_link& link);
  void on_death(worker_link& link);
  void settle(std::unique_ptr<worker_link> dead);

  [[noreturn]] void refuse_task();
  void add(task_run task, slab_sink& blocks) {
    if (!blocks.empty()) [[unlikely]] keep_blocks(task, blocks);
    books_.add(task);
  }
  void keep_blocks(task_run& task, slab_sink& blocks);
  void start_workers();
  bool start_worker();
  void hand_out();
  std::size_t give(worker_link& link, std::size_t count);
  void retire_outdated();
  void fail_unstartable(std::exception_ptr error);
  void on_large_value(std::uint64_t id, worker_link& link, frame const& result);
  void fail_task(task_run const& task, pid_t worker, std::exception_ptr error);
  void rest_soon();
  void give_up(task_run const& tasks, std::exception_ptr error);
  void fail_given_up();
  bool try_again(task_run task, books::failure how);
  void keep(task_run const& task, std::exception_ptr const& error) const;
  void tell_not_saved(task_run const& task, std::string const& why) const;
  std::exception_ptr own_copy(std::exception_ptr const& error) const;
  std::filesystem::path save(task_run const& task, std::exception_ptr const& error) const;
  std::exception_ptr error_of_death(worker_link& dead, std::optional<task_run> const& task);
  bool should_have_left(worker_link const& link) const noexcept;
  void look_at_ending(worker_link& link) noexcept;
  bool used_up(worker_link const& link) const noexcept;
  void log(worker_link const& from, std::optional<std::uint64_t> task, std::string_view text) const noexcept;
  bool wants_work(worker_link const& link) const noexcept;
  void recall_for_the_idle();
  bool has_idle_worker() const noexcept;
  /// Whether there is a worker that has come as far as to begin a task.
  bool any_has_worked() const noexcept;
  void recall(worker_link& link);
  std::shared_ptr<nursery> make_nursery();
  void arm_tick();
  std::chrono::nanoseconds time_to_leave() const noexcept;
  void end_if_it_stays(worker_link& link, std::chrono::steady_clock::time_point now);
  void end_if_stalled(worker_link& link, std::chrono::steady_clock::time_point now);
  void tick(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds absence);
  bool look_after(worker_link& link, std::chrono::steady_clock::time_point now);
  void watch_memory(worker_link& link);
  void watch_memory_after_tasks(worker_link& link);
  void heed_signals();
  void drop_waiting(std::exception_ptr error, bool keeps = false);
  void watch_the_idle();
  void end_the_idle();
  std::size_t alive() const noexcept { return books_.workers(); }

  struct hopeless_tasks {
    task_run tasks;
    std::exception_ptr error;
  };

  event_loop& loop_;
  settings settings_;
  std::size_t limit_;
  std::shared_ptr<callable_table> callables_;
  task_sink& sink_;
  books books_;
  std::shared_ptr<board> board_;
  std::shared_ptr<control_group const> group_;  // of the workers; null: none is wanted, or may be
  std::shared_ptr<nursery> nursery_;
  std::uint32_t nursery_knows_ = 0;
  std::vector<std::unique_ptr<worker_link>> links_;  // one a slot of the board; null: no worker there
  task_store tasks_;
  slab_arena* const arena_;  // null: no shared memory
  slab_sink open_blocks_;    // of the task that is being written
  std::size_t open_length_ = 0;
  task_head open_head_;      // likewise
  output_mark const mark_ = output_mark::make();  // between the lines of what workers print
  delayed_tasks delayed_;
  oom_watch oom_;
  std::size_t remaining_ = ~std::size_t{0};
  std::size_t idle_deaths_ = 0;
  std::chrono::steady_clock::time_point start_after_{};  // if there were any
  std::deque<hopeless_tasks> given_up_;  // no worker can be had for them, or they are not to be begun: to be told soon
  bool rests_soon_ = false;              // likewise
  bool tells_given_up_ = false;          // a handler that does so will run
  int heeded_ = 0;                       // of the signals to stop
  ticker ticker_;
  boost::asio::steady_timer idle_timer_;
  bool idle_watched_ = false;
  std::shared_ptr<dispatcher*> alive_ = std::make_shared<dispatcher*>(this);
};

}  // namespace procx::inline v1::detail
