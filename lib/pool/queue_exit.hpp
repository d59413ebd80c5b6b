#pragma once

#include "pool/queue_counts.hpp"
#include "pool/result_order.hpp"

#include <procx/pool/queue_core.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Where consumers find outcomes in their order, and wait for them, and for the end. Thread-safe.
class queue_exit {
 public:
  using deadline = queue_core::deadline;
  using got = queue_core::got;

  /// `wake_later` has the pool's thread call `wake_blocked` when it has done what it has to do now.
  queue_exit(queue_counts& counts, std::function<void()> wake_later)
      : counts_(counts), wake_later_(std::move(wake_later)), mutex_(counts.taking) {}
  queue_exit(queue_exit const&) = delete;
  queue_exit& operator=(queue_exit const&) = delete;

  got take(taken_result& result, deadline until);
  got try_take(taken_result& result);
  std::uint64_t async_take(std::unique_ptr<result_receiver> receiver);
  void cancel(std::uint64_t number);

  /// For the pool's thread: what has come of the first items can be taken. Whether somebody has at once.
  bool publish(result_order& results);
  void wake_blocked();
  /// After so many items comes the end.
  void end_at(std::uint64_t all);
  /// Those who wait for an outcome get this instead.
  void fail_waiting(std::exception_ptr const& error);

  /// All tasks are over, and the workers gone.
  void over();
  bool is_over() const;
  /// Waits for that; false if time runs out.
  bool wait_until_over(deadline until);
  /// Calls it then, or now.
  void when_over(std::function<void()> then);

 private:
  struct waiting_take {
    std::uint64_t number;
    std::unique_ptr<result_receiver> receiver;
  };
  struct served {
    std::unique_ptr<result_receiver> receiver;
    taken_result result;
    bool any = false;
  };

  bool at_end() const noexcept { return taken_ == end_; }
  bool empty() const noexcept { return chunks_.empty(); }
  void take_ready(result_order& results);
  bool hand_over();
  void take_front(taken_result& result);
  void drop_front();
  got wait(std::unique_lock<short_mutex>& lock, deadline until);
  void count_taken() noexcept;
  void serve(std::vector<served>& done);
  static void finish(std::vector<served>& done);

  queue_counts& counts_;
  std::function<void()> const wake_later_;
  std::vector<result_chunk> ready_;  // the pool's thread's, as are the next two
  std::vector<result_chunk> to_fill_;
  bool will_wake_ = false;

  short_mutex& mutex_;  // guards what follows
  std::condition_variable_any come_;
  std::condition_variable_any over_told_;
  std::deque<result_chunk> chunks_;  // none is empty
  std::vector<result_chunk> spent_;  // to be used again
  std::deque<waiting_take> waiting_;
  std::vector<std::function<void()>> to_tell_;
  std::uint64_t numbers_ = 0;
  std::size_t blocked_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t bytes_taken_ = 0;
  std::uint64_t end_ = ~std::uint64_t{0};
  bool over_ = false;
};

}  // namespace procx::inline v1::detail
