#pragma once

#include "dispatch/board.hpp"
#include "process/nursery.hpp"
#include "process/process_state.hpp"
#include "system/descriptor.hpp"

#include <procx/wire/frame.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

class dispatcher;

/// The parent's side of one worker: its process, the two pipes, and what is under way on them.
class worker_link {
 public:
  worker_link(dispatcher& owner, std::uint32_t number, std::uint32_t knows, board_slot& slot,
              std::shared_ptr<nursery> from, std::unique_ptr<process_state> process, descriptor tasks,
              descriptor results);
  ~worker_link();

  std::uint32_t number() const noexcept { return number_; }
  /// How many of the pool's callables it has inherited.
  std::uint32_t knows() const noexcept { return knows_; }
  process_state& process() noexcept { return *process_; }
  /// Whether the nursery that it comes from has died, which ends its workers too.
  bool orphaned() const noexcept { return !nursery_->alive(); }
  board_slot& slot() noexcept { return slot_; }

  /// Appends a task frame, numbered for this worker; it leaves with the next `flush`.
  void add(std::span<std::byte const> task_frame);
  void flush();
  /// No more tasks: the worker ends when it has done those it has.
  void retire() noexcept;
  bool retired() const noexcept { return retired_; }
  /// Waits for nothing until there is another task, so that the loop may run out of work. If the worker ends meanwhile,
  /// that is seen then.
  void rest();

  std::uint64_t results() const noexcept { return next_result_; }
  /// Whether it runs a task that this side has no result of.
  bool runs_a_task() const noexcept;
  /// How long it has been seen to run that one task; 0 if it has gone on since the last call.
  std::chrono::nanoseconds running_for(std::chrono::steady_clock::time_point now) noexcept;

  /// Takes the results that a living worker has finished and not written yet.
  void collect_early();
  void mark_timed_out() noexcept;
  bool timed_out() const noexcept { return timed_out_; }
  std::uint64_t busy_ns() const noexcept { return slot_.busy_ns.load(std::memory_order_relaxed); }
  std::uint64_t measured_results = 0;  ///< of `results()`, for the owner's measurements
  std::uint64_t measured_busy = 0;
  /// What was wrong with the bytes it sent, if anything was.
  std::exception_ptr const& complaint() const noexcept { return complaint_; }

 private:
  void read();
  void on_bytes(std::size_t n);
  void take_frames();
  void take_leftovers(std::span<std::byte const> frames);
  void wake();
  void watch(boost::asio::posix::stream_descriptor& what, bool& armed, void (worker_link::*then)());
  void watch_process();
  void watch_stderr();
  void on_pidfd();
  void on_stderr();
  void on_end();
  void try_bury();

  dispatcher& owner_;
  std::uint32_t number_;
  std::uint32_t knows_;
  board_slot& slot_;
  std::shared_ptr<nursery> nursery_;
  std::unique_ptr<process_state> process_;
  descriptor tasks_fd_;
  descriptor results_fd_;
  boost::asio::posix::stream_descriptor tasks_;
  boost::asio::posix::stream_descriptor results_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::posix::stream_descriptor errors_;
  frame_reader reader_;
  buffer outgoing_;
  std::size_t sent_ = 0;
  bool writing_ = false;
  bool reading_ = false;
  bool process_watched_ = false;
  bool stderr_watched_ = false;
  bool resting_ = false;
  bool retired_ = false;
  bool ended_ = false;
  bool buried_ = false;
  bool timed_out_ = false;
  std::exception_ptr complaint_;
  std::uint64_t next_task_ = 0;
  std::uint64_t next_result_ = 0;
  std::uint64_t seen_claimed_ = 0;
  std::chrono::steady_clock::time_point seen_at_{};
  std::shared_ptr<worker_link*> alive_ = std::make_shared<worker_link*>(this);
};

}  // namespace procx::inline v1::detail
