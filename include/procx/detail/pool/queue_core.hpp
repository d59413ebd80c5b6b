#pragma once

#include <procx/detail/pool/ending_handler.hpp>
#include <procx/detail/pool/handler_home.hpp>
#include <procx/detail/pool/intake_fast_path.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/pool/results_fast_path.hpp>
#include <procx/detail/pool/taken_result.hpp>
#include <procx/detail/system/operation.hpp>
#include <procx/pool/parallel_queue_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace procx::inline v1::detail {

/// A parallel queue without its types: parallel in the middle, first in first out at both ends.
///
/// Items go in through an `intake` that the loop thread empties in one go, and their outcomes come out in order through
/// `ordered_results`, so that an item costs each thread little more than a lock that is its own. What is small and ordinary
/// goes in and out by the fast paths, without a call; all else by `put` and `get`.
class queue_core {
 public:
  using deadline = wait_deadline;
  static constexpr deadline never = wait_forever;
  static constexpr std::uint64_t no_place = intake_fast_path::no_place;
  enum class got { result, nothing_yet, end };

  /// `callable` is inherited by the workers, if there is one, in place 0.
  queue_core(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
             std::shared_ptr<void> callable = nullptr);
  queue_core(queue_core const&) = delete;
  queue_core& operator=(queue_core const&) = delete;
  /// Kills the workers.
  ~queue_core();

  intake_fast_path& fast_intake() noexcept { return *fast_intake_; }
  /// The next value, an `R` that is copied as it lies in memory, if it is there and nothing is out of the ordinary.
  template <class R>
  std::optional<R> try_take(std::uint64_t& index) {
    std::optional<R> r = fast_results_->try_take<R>(index);
    if (r && fast_results_->counts.taken_is_awaited()) [[unlikely]] tell_taken();
    return r;
  }

  /// The item's index, or `no_place` if there was no room in time, or the consumer has left. Throws queue_stopped,
  /// sequence_error, protocol_error.
  std::uint64_t put(intake_item const& item, deadline until);
  /// A number by which the wait can be cancelled. The item's bytes are copied.
  std::uint64_t async_put(intake_item const& item, std::unique_ptr<operation>&& op);
  got get(taken_result& result, deadline until);
  got try_get(taken_result& result);
  std::uint64_t async_get(std::unique_ptr<result_receiver>&& receiver);

  /// These may be called, and do nothing, after the queue has gone.
  static void cancel_put(std::weak_ptr<void> const& queue, std::uint64_t number);
  static void cancel_get(std::weak_ptr<void> const& queue, std::uint64_t number);
  std::weak_ptr<void> weak() const noexcept;

  void cancel(std::uint64_t index, boost::asio::cancellation_type how);
  void stop() noexcept;
  /// As `stop`, by the consumer: producers are not told by an exception, which they could not have foreseen.
  void leave() noexcept;
  bool left() const noexcept;
  /// A loop over the outcomes begins, and what `end_loop` needs to know; that may be called after the queue has gone.
  std::weak_ptr<void> begin_loop();
  /// `left`: before the end of the queue. If no other loop runs, the consumer has left.
  static void end_loop(std::weak_ptr<void> const& queue, bool left) noexcept;
  /// The items that were refused since the consumer has left; each is told once.
  std::uint64_t take_refused() noexcept;
  bool join(deadline until);
  void when_over(ending_handler then);
  bool is_alive() const noexcept;
  std::size_t size() const noexcept;
  std::size_t workers() const noexcept;
  /// Of handlers that are bound to no executor.
  handler_home& home() const noexcept;

 private:
  class state;

  void tell_taken();

  std::shared_ptr<state> state_;
  intake_fast_path* fast_intake_;
  results_fast_path* fast_results_;
};

}  // namespace procx::inline v1::detail
