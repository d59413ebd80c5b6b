#pragma once

#include <procx/detail/system/biased_mutex.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// Until when a thread waits; `wait_forever` if it does so without end. A sentinel instead of std::optional: it is passed in a
/// register, and an optional costs more than a lock.
using wait_deadline = std::chrono::steady_clock::time_point;
inline constexpr wait_deadline wait_forever = wait_deadline::max();

/// Twice what a processor shares at once: it fetches them in pairs.
inline constexpr std::size_t cache_line = 128;

/// What producers, consumers and the loop thread between them know of each other. Every counter only grows and has one writer
/// at a time.
///
/// Dekker handshake. The waiting thread stores its target, then reads the counters again. The counting thread stores the
/// counter, then reads the targets. So at least one sees the other. What the loop thread counts is seq_cst on both sides.
/// Consumers of a queue count every item, under a lock; they need no fence, because a thread that waits for them visits that
/// lock in between (`taken_now`): consumers that had it before are seen, consumers that take it later see the target.
///
/// A pool has no consumers: its loop thread counts tasks that are over as taken.
struct flow_counts {
  static constexpr std::uint64_t no_producer = ~std::uint64_t{0};

  // By consumers, or by a pool's loop thread.
  alignas(cache_line) mutable biased_mutex taking;
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<std::uint64_t> result_bytes_taken = 0;
  // By the loop thread.
  alignas(cache_line) std::atomic<std::uint64_t> result_bytes_come = 0;
  std::atomic<std::uint64_t> argument_bytes_over = 0;
  // By waiting threads.
  alignas(cache_line) std::atomic<std::uint64_t> producers_wait_for = no_producer;  ///< so many items to be taken
  std::atomic<bool> producers_wait_for_bytes = false;
  std::atomic<bool> loop_waits = false;  ///< the loop thread, for results to be taken
  std::atomic<std::size_t> joiners = 0;  ///< for all tasks to end

  /// By consumers, under the lock.
  void count_taken(std::uint64_t items, std::uint64_t bytes) noexcept {
    result_bytes_taken.store(bytes, std::memory_order_release);
    taken.store(items, std::memory_order_release);  // behind the bytes: a thread that sees it sees those
  }
  /// Returns true if a thread waits for what has been taken.
  bool taken_is_awaited() const noexcept {
    return producers_wait_for.load() <= taken.load() || loop_waits.load();
  }

  /// For a thread that has just stored its target.
  std::uint64_t taken_now() const noexcept {
    biased_mutex::visit const now(taking);
    return taken.load();
  }
  std::uint64_t result_bytes_kept() const noexcept {
    static_cast<void>(taken.load());  // which is stored behind the bytes: they are seen as well
    std::uint64_t const out = result_bytes_taken.load();  // first: it never passes the other
    return result_bytes_come.load() - out;
  }
};

}  // namespace procx::inline v1::detail
