#pragma once

#include "pool/result_order.hpp"
#include "system/event_count.hpp"

#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/pool/flow_counts.hpp>
#include <procx/detail/pool/results_fast_path.hpp>
#include <procx/detail/system/short_mutex.hpp>

#include <atomic>
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

/// The way of outcomes from the loop thread, which puts them into the order of their items, to consumers on any threads, which
/// wait for them. Thread-safe.
///
/// Consumers take from chunks of their own, under the lock of the fast path, which the only consumer of a queue has for
/// itself. When those are used up they fetch what the loop thread has published, under a lock that is taken that seldom.
class ordered_results {
 public:
  using got = queue_core::got;

  /// `on_taken` is called, without a lock, when consumers that wait asynchronously were given something. `wake_later` has the
  /// loop thread call `wake_blocked` when it has done what it has to do now.
  ordered_results(flow_counts& counts, std::function<void()> on_taken, std::function<void()> wake_later)
      : counts_(counts), on_taken_(std::move(on_taken)), wake_later_(std::move(wake_later)), out_(counts) {}
  ordered_results(ordered_results const&) = delete;
  ordered_results& operator=(ordered_results const&) = delete;

  results_fast_path& fast_path() noexcept { return out_; }

  got take(taken_result& result, wait_deadline until);
  got try_take(taken_result& result);
  std::uint64_t async_take(std::unique_ptr<result_receiver>&& receiver);
  void cancel(std::uint64_t number);

  // For the loop thread.
  /// Where outcomes are added.
  result_order& order() noexcept { return order_; }
  /// What has come of the first items can be taken.
  void publish();
  void wake_blocked();

  /// After so many items comes the end.
  void end_at(std::uint64_t all);
  /// Nothing more is published: what has not been, up to the end, fails with this.
  void fail_rest(std::exception_ptr why) noexcept;
  /// Consumers that wait for an outcome get this instead.
  void fail_waiting(std::exception_ptr const& error);

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
  void take_ready();
  void hand_over();
  got take_next(taken_result& result, std::vector<served>& done);
  void take_front(taken_result& result);
  void count_taken();
  void serve(std::vector<served>& done);
  void serve_waiting();
  void finish(std::vector<served>& done);

  flow_counts& counts_;
  std::function<void()> const on_taken_;
  std::function<void()> const wake_later_;
  result_order order_;  // the loop thread's, as are the next three
  std::vector<result_chunk> ready_;
  std::vector<result_chunk> to_fill_;
  bool will_wake_ = false;

  alignas(cache_line) results_fast_path out_;  // its lock guards what follows
  std::deque<result_chunk> chunks_;       // the consumers'; the fast path has a series of the first
  std::vector<result_chunk> used_;
  std::uint64_t seen_ = 0;  // of the news
  std::deque<waiting_take> waiting_;
  std::uint64_t numbers_ = 0;
  std::atomic<std::size_t> waiting_takes_ = 0;  // read by anybody
  std::atomic<std::uint64_t> end_ = ~std::uint64_t{0};  // written by the thread that stops the queue

  alignas(cache_line) mutable short_mutex mutex_;  // guards what follows; may be taken under the consumers'
  std::deque<result_chunk> published_;
  std::vector<result_chunk> spent_;  // memory to be used again
  std::exception_ptr rest_fails_with_;

  event_count news_;  // for waiting consumers: something was published, or the end has come
};

}  // namespace procx::inline v1::detail
