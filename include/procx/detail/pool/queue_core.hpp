#pragma once

#include <procx/detail/system/operation.hpp>
#include <procx/detail/dispatch/held_result.hpp>
#include <procx/detail/memory/slab.hpp>
#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/pool/ending_handler.hpp>
#include <procx/pool/parallel_queue_options.hpp>
#include <procx/detail/pool/queue_inlet.hpp>
#include <procx/detail/pool/queue_outlet.hpp>
#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// What is put into a parallel queue: the arguments of a task, or a value that only keeps its place.
struct queue_item {
  /// Their number in `arguments_length_size` bytes, and then they; the caller's. `copy_padding` bytes behind them may be
  /// read too.
  std::span<std::byte const> bytes;
  bool is_task = false;
  task_head head = {};         ///< what is called
  slab_sink* slabs = nullptr;  ///< the caller's too; what it has collected is taken when the item gets its place

  bool has_slabs() const noexcept { return slabs && !slabs->empty(); }
  /// Of what the user has written, and in shared memory.
  std::size_t size() const noexcept { return bytes.size() - arguments_length_size + (slabs ? slabs->bytes() : 0); }
};

/// What a thread uses again and again to encode into.
struct encoding_space {
  buffer bytes;
  slab_sink slabs;

  /// Empty; this thread's own, until it is given back: what is encoded may itself encode something.
  static encoding_space* take() {
    encoding_space* const mine = std::exchange(spare, nullptr);
    return mine ? mine : make();
  }
  void give_back() noexcept {
    bool const keep = !spare && slabs.empty() && bytes.capacity() <= kept;
    if (!keep) [[unlikely]] return end();
    bytes.clear();
    spare = this;
  }

 private:
  static constexpr std::size_t kept = std::size_t{1} << 20;
  static constinit thread_local encoding_space* spare;  // a plain pointer: nobody need ask whether it was initialized

  static encoding_space* make();
  void end() noexcept;
  struct end_of_thread;
};

/// An outcome that has left the queue, still as bytes.
class taken_result {
 public:
  /// Longer ones are held.
  static constexpr std::size_t most_bytes = 1024;

  /// Which item it was, from 0 in the order they were put.
  std::uint64_t index = 0;
  std::array<std::byte, most_bytes> bytes;
  std::size_t length = 0;
  std::unique_ptr<held_result> held;

  taken_result() noexcept {}  // the bytes are written when they are known
  taken_result(taken_result&&) noexcept = default;
  taken_result& operator=(taken_result&&) noexcept = default;
  ~taken_result() {
    if (held) [[unlikely]] let_go();
  }
  void let_go() noexcept;

  std::exception_ptr error() const noexcept { return held ? held->error : nullptr; }
  encoded_value value() const noexcept {
    if (!held) return std::span(bytes).first(length);
    return held->value();
  }
};

/// Who waits for an outcome asynchronously. Completed exactly once, by any thread.
class result_receiver {
 public:
  virtual ~result_receiver() = default;
  /// With what the operation has failed with; with a result; or with neither, at the end of the queue.
  virtual void complete(std::exception_ptr error, taken_result const* result) = 0;
};

inline void fail(result_receiver& receiver, std::exception_ptr error) { receiver.complete(std::move(error), nullptr); }

/// A parallel queue without its types: parallel in the middle, first in first out at both ends.
///
/// Items go in through a box (`queue_entrance`) that the pool's thread empties in one go, and their outcomes come out in
/// order through another (`queue_exit`), so that an item costs each thread little more than a lock that is its own. What is
/// small and ordinary goes in and out by way of `inlet` and `outlet`, without a call; all else by `put` and `get`.
class queue_core {
 public:
  // These travel in registers: an optional would go through memory in pieces, and cost more than a lock.
  using deadline = std::chrono::steady_clock::time_point;
  static constexpr deadline never = deadline::max();
  static constexpr std::uint64_t no_place = queue_inlet::no_place;
  enum class got { result, nothing_yet, end };

  /// `callable` is inherited by the workers, if there is one, in place 0.
  queue_core(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
             std::shared_ptr<void> callable = nullptr);
  queue_core(queue_core const&) = delete;
  queue_core& operator=(queue_core const&) = delete;
  /// Kills the workers.
  ~queue_core();

  queue_inlet& inlet() noexcept { return *inlet_; }
  /// The next value, an `R` that is copied as it lies in memory, if it is there and nothing is out of the ordinary.
  template <class R>
  std::optional<R> try_take(std::uint64_t& index) {
    std::optional<R> r = outlet_->try_take<R>(index);
    if (r && outlet_->counts.taken_is_awaited()) [[unlikely]] tell_taken();
    return r;
  }

  /// The item's index, or `no_place` if there was no room in time, or the consumer has left. Throws queue_stopped,
  /// sequence_error, protocol_error.
  std::uint64_t put(queue_item const& item, deadline until);
  /// A number by which the wait can be cancelled. The item's bytes are copied.
  std::uint64_t async_put(queue_item const& item, std::unique_ptr<operation>&& op);
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
  /// Of handlers that have none of their own.
  boost::asio::any_io_executor executor() const;

 private:
  class state;

  void tell_taken();

  std::shared_ptr<state> state_;
  queue_inlet* inlet_;
  queue_outlet* outlet_;
};

}  // namespace procx::inline v1::detail
