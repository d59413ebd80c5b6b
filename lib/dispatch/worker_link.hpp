#pragma once

#include "dispatch/board.hpp"
#include "dispatch/tasks/ring_queue.hpp"
#include "dispatch/tasks/task_piece.hpp"
#include "dispatch/tasks/task_run.hpp"
#include "dispatch/worker.hpp"
#include "process/nursery.hpp"
#include "process/process_state.hpp"
#include "system/descriptor.hpp"
#include "system/io.hpp"

#include <procx/error/certificate.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <csignal>
#include <deque>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

class dispatcher;

/// Whether a worker says there what its teardown has thrown.
inline bool is_word_of_teardown(frame const& f) noexcept {
  return f.kind == frame_kind::exception && f.id == teardown_failed;
}

/// What a nursery is told of a new worker.
struct worker_order {
  std::uint32_t number;  ///< its slot on the board
  std::uint32_t slab_owner;
};

/// The parent's side of one worker: its process, the two pipes, and what is under way on them.
class worker_link {
 public:
  worker_link(dispatcher& owner, worker_order const& order, std::uint32_t knows, board_slot& slot,
              std::shared_ptr<nursery> from, std::unique_ptr<process_state> process, descriptor tasks,
              descriptor results);
  ~worker_link();

  std::uint32_t number() const noexcept { return order_.number; }
  /// The number under which it owns shared memory.
  std::uint32_t slab_owner() const noexcept { return order_.slab_owner; }
  /// How many of the pool's callables it has inherited.
  std::uint32_t knows() const noexcept { return knows_; }
  process_state& process() noexcept { return *process_; }
  pid_t pid() const noexcept { return pid_; }
  /// Whether the nursery that it comes from has died, which ends its workers too.
  bool orphaned() const noexcept { return !nursery_->alive(); }
  board_slot& slot() noexcept { return slot_; }

  /// The worker's next tasks; they leave with the next `flush`.
  void add(task_run run);
  void flush();
  /// Whether what the worker notes on the board, where others may write as well, can be true. If not it is killed, with a
  /// complaint.
  bool makes_sense() noexcept;
  /// Bytes that were resident before its first task, as it said when it was first asked; it has so many now.
  std::size_t baseline(std::size_t resident) noexcept;
  /// Takes back all tasks that the worker has not begun. How many of those it was given it keeps.
  std::size_t recall();
  /// How many of the tasks that this side has no result of it has begun, and perhaps ended.
  std::size_t begun() const noexcept;
  /// No more tasks: the worker ends when it has done those it has.
  void retire() noexcept;
  bool retired() const noexcept { return retired_; }
  /// Waits for nothing until there is another task, so that the loop may run out of work. If the worker ends meanwhile,
  /// that is seen then.
  void rest();

  std::uint64_t results() const noexcept { return next_result_; }
  /// Whether all that it has begun has run.
  bool between_tasks() const noexcept { return slot_.claimed() == slot_.returned.load(std::memory_order_acquire); }
  /// How long it has been seen to run its task; 0 if it has gone on since the last call.
  std::chrono::nanoseconds running_for(std::chrono::steady_clock::time_point now) noexcept;

  /// For so long nobody here has looked, read or written: the worker may have waited for that.
  void forgive(std::chrono::nanoseconds time) noexcept {
    seen_at_ += time, stalled_at_ += time;
    if (idle_since && retired_) *idle_since += time;
  }

  /// How long it has neither run a task nor given a result, though it has tasks: somebody has stopped it.
  std::chrono::nanoseconds stalled_for(std::chrono::steady_clock::time_point now) noexcept;

  /// Takes the results that a living worker has finished and not written yet.
  void collect_early();
  /// Asks the task that it is to run as the `ahead`-th from now to stop.
  void ask_to_stop(std::size_t ahead) noexcept { slot_.stop.store(next_result_ + ahead + 1, std::memory_order_release); }
  /// How many tasks it was given, those that were taken back not counted.
  std::uint64_t given() const noexcept { return next_task_; }
  /// Ends the worker because of the task that it has `ahead` others before: SIGTERM, and SIGKILL if it is still there after
  /// the grace. If that task comes to its end within the grace after all, there is no SIGKILL, and the worker goes on.
  void kill_for(std::size_t ahead, death_cause cause, std::chrono::nanoseconds grace) noexcept;
  /// Kills it when the grace is over, unless the task is.
  void kill_if_due(std::chrono::steady_clock::time_point now) noexcept;
  /// Why it was killed, if the oldest task without a result is the reason.
  std::optional<death_cause> reason() const noexcept {
    if (killed_for_ == next_result_ + 1) return cause_;
    return std::nullopt;
  }
  bool was_killed() const noexcept { return killed_for_ != 0; }
  /// Whether it ended by a signal that was sent because of a task before the one that it was at.
  bool another_was_meant() const noexcept;
  /// Tasks were taken back from it because it has been at one for long, and still is.
  bool held() const noexcept { return held_at_ == next_result_ + 1; }
  void hold() noexcept { held_at_ = next_result_ + 1; }
  std::uint64_t busy_ns() const noexcept { return slot_.busy_ns.load(std::memory_order_relaxed); }
  std::uint64_t measured_results = 0;  ///< of `results()`, for the owner's measurements
  std::uint64_t measured_busy = 0;
  std::size_t unmeasured_bytes = 0;  ///< of results
  std::optional<std::chrono::steady_clock::time_point> idle_since = std::nullopt;  ///< for the owner as well
  std::chrono::steady_clock::time_point memory_seen_at{};  ///< likewise
  /// What was wrong with the bytes it sent, if anything was.
  std::exception_ptr const& complaint() const noexcept { return complaint_; }
  /// What its setup threw, if it did.
  std::exception_ptr const& setup_error() const noexcept { return setup_error_; }
  /// What its teardown threw, likewise; known when it has ended.
  std::exception_ptr const& teardown_error() const noexcept { return teardown_error_; }
  /// Looks for that, if nobody reads any more.
  void hear_last();
  /// It was to leave, and was killed since it did not.
  void end_overstay() noexcept {
    overstayed_ = true;
    process_->kill(SIGKILL);
  }
  bool overstayed() const noexcept { return overstayed_; }

 private:
  void release_descriptors() noexcept;
  io_result write_some_tasks();
  void count_sent(std::size_t bytes) noexcept;
  std::size_t expected() noexcept;
  void read();
  void distrust() noexcept;
  std::uint64_t claimed() const noexcept;
  std::span<std::byte> room_for_results();
  void fail_refused();
  void on_read(boost::system::error_code error, std::size_t n);
  void on_bytes(std::size_t n);
  void take_frames();
  void take(frame const& f);
  void take_values(value_series values);
  void take_leftovers(std::span<std::byte const> results);
  void wake();
  void watch(boost::asio::posix::stream_descriptor& what, bool& armed, void (worker_link::*then)());
  void watch_process();
  void forgive_if_over() noexcept;
  void forward_output();
  void hear_first();
  void watch_stderr();
  void on_pidfd();
  void on_stderr();
  void on_end();
  bool read_what_is_left();
  void try_bury();

  dispatcher& owner_;
  worker_order order_;
  std::uint32_t knows_;
  board_slot& slot_;
  std::shared_ptr<nursery> nursery_;
  std::unique_ptr<process_state> process_;
  pid_t pid_;
  descriptor tasks_fd_;
  descriptor results_fd_;
  boost::asio::posix::stream_descriptor tasks_;
  boost::asio::posix::stream_descriptor results_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::posix::stream_descriptor errors_;
  frame_reader reader_;
  std::optional<frame_header> refused_;  // there is no memory for it
  ring_queue<task_piece> unsent_;
  std::size_t unsent_tasks_ = 0;  // in them
  std::size_t sent_ = 0;          // bytes of the first of them, with what is before the tasks
  buffer stale_;                  // the rest of a frame that was taken back when a part of it had left
  bool writing_ = false;
  bool reading_ = false;
  bool process_watched_ = false;
  bool stderr_watched_ = false;
  bool resting_ = false;
  bool retired_ = false;
  bool ended_ = false;
  bool buried_ = false;
  std::exception_ptr complaint_;
  std::exception_ptr setup_error_;
  std::exception_ptr teardown_error_;
  bool overstayed_ = false;
  // For the log, if there is one: the owner's numbers of the tasks from `first_printing_` on; the worker is at the first.
  std::deque<std::uint64_t> printing_;
  std::uint64_t first_printing_ = 0;
  bool printing_task_ = false;
  std::uint64_t killed_for_ = 0;  // the number of a task, and 1
  death_cause cause_ = death_cause::itself;
  std::optional<std::chrono::steady_clock::time_point> kill_at_;
  std::uint64_t strays_end_ = 0;  // tasks with lower numbers may be hit by a signal that came too late for its own
  std::uint64_t held_at_ = 0;
  std::size_t baseline_ = 0;  // not known as yet
  std::uint64_t epoch_ = 0;
  std::uint64_t next_task_ = 0;
  std::uint64_t next_result_ = 0;
  std::uint64_t stalled_at_task_ = ~std::uint64_t{0};
  std::uint64_t stalled_at_result_ = 0;
  std::chrono::steady_clock::time_point stalled_at_;
  std::uint64_t seen_claimed_ = 0;
  std::chrono::steady_clock::time_point seen_at_{};
  std::shared_ptr<worker_link*> alive_ = std::make_shared<worker_link*>(this);
};

}  // namespace procx::inline v1::detail
