#pragma once

#include "pool/result_order.hpp"
#include "system/event_count.hpp"

#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/pool/queue_counts.hpp>
#include <procx/detail/pool/queue_outlet.hpp>
#include <procx/detail/system/short_mutex.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Where consumers find outcomes in their order, and wait for them, and for the end. Thread-safe.
///
/// Consumers take from chunks of their own, under the outlet's lock, which the only consumer of a queue has for itself. When
/// those are used up they fetch what the pool's thread has published, under a lock that is taken that seldom.
class queue_exit {
 public:
  using deadline = queue_core::deadline;
  using got = queue_core::got;

  /// `tell_taken` is called, without a lock, when those who wait asynchronously were given something. `wake_later` has the
  /// pool's thread call `wake_blocked` when it has done what it has to do now.
  queue_exit(queue_counts& counts, std::function<void()> tell_taken, std::function<void()> wake_later)
      : counts_(counts), tell_taken_(std::move(tell_taken)), wake_later_(std::move(wake_later)), out_(counts) {}
  queue_exit(queue_exit const&) = delete;
  queue_exit& operator=(queue_exit const&) = delete;

  queue_outlet& outlet() noexcept { return out_; }

  got take(taken_result& result, deadline until);
  got try_take(taken_result& result);
  std::uint64_t async_take(std::unique_ptr<result_receiver>&& receiver);
  void cancel(std::uint64_t number);

  /// For the pool's thread: what has come of the first items can be taken.
  void publish(result_order& results);
  void wake_blocked();
  /// After so many items comes the end.
  void end_at(std::uint64_t all);
  /// Nothing more is published: what has not been, up to the end, fails with this.
  void fail_rest(std::exception_ptr why) noexcept;
  /// Those who wait for an outcome get this instead.
  void fail_waiting(std::exception_ptr const& error);

  /// All tasks are over, and the workers gone.
  void over();
  bool is_over() const;
  /// Waits for that; false if time runs out.
  bool wait_until_over(deadline until);
  /// Calls it then, or now.
  void when_over(ending_handler then);
  /// A worker has not left as it should: for the first of those who wait for the end. The first such news counts.
  void note_bad_ending(std::exception_ptr error) noexcept;
  std::exception_ptr take_bad_ending() noexcept;
  void tell_end(ending_handler const& then);

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

  bool at_end() const noexcept { return out_.taken == end_.load(); }
  bool has_next();
  bool fetch();
  bool add_failure();
  std::exception_ptr why_nothing_comes() const;
  void drop_front();
  void take_ready(result_order& results);
  void hand_over();
  got take_next(taken_result& result, std::vector<served>& done);
  void take_front(taken_result& result);
  void count_taken();
  void serve(std::vector<served>& done);
  void serve_waiting();
  void finish(std::vector<served>& done);

  queue_counts& counts_;
  std::function<void()> const tell_taken_;
  std::function<void()> const wake_later_;
  std::vector<result_chunk> ready_;  // the pool's thread's, as are the next two
  std::vector<result_chunk> to_fill_;
  bool will_wake_ = false;

  alignas(cache_line) queue_outlet out_;  // its lock guards what follows
  std::deque<result_chunk> chunks_;       // the consumers'; the outlet has a series of the first
  std::vector<result_chunk> used_;
  std::uint64_t seen_ = 0;  // of the news
  std::deque<waiting_take> waiting_;
  std::uint64_t numbers_ = 0;
  std::atomic<std::size_t> waiting_takes_ = 0;  // read by anybody
  std::atomic<std::uint64_t> end_ = ~std::uint64_t{0};  // written by who stops the queue

  alignas(cache_line) mutable short_mutex mutex_;  // guards what follows; may be taken under the outlet's
  std::condition_variable_any over_told_;
  std::deque<result_chunk> published_;
  std::vector<result_chunk> spent_;  // memory to be used again
  std::vector<ending_handler> to_tell_;
  std::exception_ptr bad_ending_;
  bool over_ = false;
  std::exception_ptr rest_fails_with_;

  event_count news_;  // for those who wait: something was published, or the end has come
};

}  // namespace procx::inline v1::detail
