#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace procx::inline v1::detail {

/// Lets threads sleep until something has happened that they have not seen: who waits reads the count, looks for what it
/// needs, and sleeps if the count is still the same; who makes something happen counts it afterwards. Nobody need hold a lock
/// over both. After D. Reed and R. Kanodia, "Synchronization with Eventcounts and Sequencers" (1979). Thread-safe.
class event_count {
 public:
  using deadline = std::chrono::steady_clock::time_point;

  std::uint64_t now() const noexcept { return count_.load(std::memory_order_acquire); }

  /// Counts; whether somebody sleeps, who is then to be woken.
  bool advance() {
    std::lock_guard const lock(mutex_);
    count_.fetch_add(1, std::memory_order_release);
    return sleepers_ > 0;
  }
  void wake() noexcept { more_.notify_all(); }  // without the lock, which they need
  /// Both.
  void tell() {
    if (advance()) wake();
  }

  /// Until the count is another; false if time runs out. `deadline::max()`: it never does.
  bool wait_beyond(std::uint64_t seen, deadline until);

 private:
  std::mutex mutex_;  // guards what follows; the count may be read without it
  std::condition_variable more_;
  std::atomic<std::uint64_t> count_ = 0;
  std::size_t sleepers_ = 0;
};

}  // namespace procx::inline v1::detail
