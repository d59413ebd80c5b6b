#pragma once

#include <procx/detail/system/biased_mutex.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// Twice what a processor shares at once: it fetches them in pairs.
inline constexpr std::size_t cache_line = 128;

/// What the two ends of a parallel queue and the pool's thread between them know of each other. Everything only grows and
/// has one writer at a time.
///
/// Who waits stores what it waits for, and then looks at the counters once more; who counts stores the counter and then looks
/// whether somebody waits, so that one of them sees the other. For what the pool's thread counts, both are sequentially
/// consistent. Consumers count for every item, under a lock; so that they need nothing more, who waits for them visits
/// that lock in between (`taken_now`): those who had it before are seen, those who have it later see.
struct queue_counts {
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};

  // By consumers.
  alignas(cache_line) mutable biased_mutex taking;
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<std::uint64_t> result_bytes_taken = 0;
  // By the pool's thread.
  alignas(cache_line) std::atomic<std::uint64_t> result_bytes_come = 0;
  std::atomic<std::uint64_t> argument_bytes_over = 0;
  // By those who wait.
  alignas(cache_line) std::atomic<std::uint64_t> producers_wait_for = nobody;  ///< so many items to be taken
  std::atomic<bool> producers_wait_for_bytes = false;
  std::atomic<bool> pool_waits = false;       ///< for results to be taken
  std::atomic<std::size_t> joiners = 0;  ///< for all tasks to end

  /// By consumers, under the lock.
  void count_taken(std::uint64_t items, std::uint64_t bytes) noexcept {
    result_bytes_taken.store(bytes, std::memory_order_release);
    taken.store(items, std::memory_order_release);  // behind the bytes: whoever sees it sees those
  }
  /// Whether somebody waits for what has been taken.
  bool taken_is_awaited() const noexcept {
    return producers_wait_for.load() <= taken.load() || pool_waits.load();
  }

  /// For who has just stored what it waits for.
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
