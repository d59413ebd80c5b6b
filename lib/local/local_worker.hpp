#pragma once

#include "dispatch/tasks/ring_queue.hpp"
#include "dispatch/worker.hpp"
#include "local/board.hpp"
#include "local/local_workers.hpp"
#include "local/task_piece.hpp"
#include "local/worker_process.hpp"
#include "process/process_state.hpp"
#include "system/descriptor.hpp"
#include "system/io.hpp"

#include <procx/detail/wire/frame.hpp>
#include <procx/detail/wire/value_series.hpp>
#include <procx/error/certificate.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// Whether a worker says there what its teardown has thrown.
inline bool is_word_of_teardown(frame const& f) noexcept {
  return f.kind == frame_kind::exception && f.id == teardown_failed;
}

/// The parent's side of one worker: its process, the two pipes, and what is under way on them.
class local_worker final : public worker {
 public:
  local_worker(local_workers& source, worker_order const& order, std::shared_ptr<nursery_link> from, board_slot& slot,
               std::unique_ptr<process_state> process, descriptor tasks, descriptor results);
  ~local_worker() override;

  worker_name name() const noexcept override { return {order_.number, pid_}; }
  bool can_run(task_head const& head) const noexcept override {
    return from_->knows() >= callable_table::needed_for(head.callable);
  }
  void add(task_run const& tasks) override;
  void flush() override;
  void set_credit(std::uint32_t credit) noexcept override { slot_.credit.store(credit, std::memory_order_relaxed); }
  std::optional<std::size_t> recall() override;
  worker_progress progress(time_point now) noexcept override;
  void stop_task(std::size_t ahead, stop_how how, death_cause cause, std::chrono::nanoseconds grace) noexcept override;
  void retire() noexcept override;
  void end(std::chrono::nanoseconds grace) noexcept override;
  void end_now() noexcept override;
  void look_after(time_point now, std::chrono::nanoseconds absence) override;
  void hold_results(bool hold) override;
  void rest() override;
  std::optional<worker_end> wait_until(std::optional<time_point> until) override;

 private:
  using stream = boost::asio::posix::stream_descriptor;

  local_options const& options() const noexcept { return source_.options_; }
  void release_descriptors() noexcept;
  void release_belongings() noexcept;
  io_result write_some_tasks();
  void count_sent(std::size_t bytes) noexcept;
  std::size_t expected() const noexcept;
  std::size_t begun() const noexcept { return static_cast<std::size_t>(claimed() - next_result_); }
  bool between_tasks() const noexcept { return slot_.claimed() == slot_.returned.load(std::memory_order_acquire); }
  std::chrono::nanoseconds running_for(time_point now) noexcept;
  std::chrono::nanoseconds stalled_for(time_point now) noexcept;
  bool makes_sense() noexcept;
  void kill_for(std::size_t ahead, death_cause cause, std::chrono::nanoseconds grace) noexcept;
  void kill_if_due(time_point now) noexcept;
  std::optional<death_cause> reason() const noexcept;
  bool was_killed() const noexcept { return killed_for_ != 0; }
  bool another_was_meant() const noexcept;
  void collect_early();
  void end_if_stalled(time_point now);
  void watch_memory();
  void watch_memory_after_tasks();
  void hear_last();
  worker_end end_of_it();
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
  void take_large_value(frame const& f);
  void take_extra(frame const& f);
  void take_leftovers(std::span<std::byte const> results);
  void wake();
  void watch(stream& what, bool& armed, void (local_worker::*then)());
  void watch_process();
  void forgive_if_over() noexcept;
  void forward_output();
  void hear_first();
  void watch_stderr();
  void on_pidfd();
  bool has_ended();
  void on_stderr();
  void on_end();
  bool read_what_is_left();
  void try_bury();

  local_workers& source_;
  worker_events& events_;
  worker_order order_;
  board_slot& slot_;
  std::shared_ptr<nursery_link> from_;
  std::unique_ptr<process_state> process_;
  pid_t pid_;
  descriptor tasks_fd_;
  descriptor results_fd_;
  stream tasks_;
  stream results_;
  stream pidfd_;
  stream errors_;
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
  bool awaits_word_ = false;  // of how it has ended
  bool resting_ = false;
  bool holds_results_ = false;
  bool retired_ = false;
  bool ended_ = false;
  bool buried_ = false;
  std::exception_ptr complaint_;
  std::exception_ptr setup_error_;
  std::exception_ptr teardown_error_;
  bool overstayed_ = false;
  // For the log, if there is one: the numbers of the tasks from `first_printing_` on; the worker is at the first.
  std::deque<std::uint64_t> printing_;
  std::uint64_t first_printing_ = 0;
  bool printing_task_ = false;
  std::uint64_t killed_for_ = 0;  // the number of a task, and 1
  death_cause cause_ = death_cause::itself;
  std::optional<time_point> kill_at_;
  std::uint64_t strays_end_ = 0;  // tasks with lower numbers may be hit by a signal that came too late for its own
  std::size_t baseline_ = 0;  // bytes that were resident before its first task; not known as yet
  time_point memory_seen_at_{};
  bool worn_out_ = false;
  std::uint64_t next_extra_ = 0;  // parts and messages, counted
  std::uint64_t spoiled_ = 0;     // the number of a task some of whose parts there was no memory for, and 1
  bool released_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_task_ = 0;
  std::uint64_t next_result_ = 0;
  std::uint64_t stalled_at_task_ = ~std::uint64_t{0};
  std::uint64_t stalled_at_result_ = 0;
  time_point stalled_at_;
  std::uint64_t seen_claimed_ = 0;
  time_point seen_at_{};
  std::shared_ptr<local_worker*> alive_ = std::make_shared<local_worker*>(this);
};

}  // namespace procx::inline v1::detail
