#pragma once

#include <atomic>

namespace procx::inline v1::detail {

/// A mutex for sections of some tens of nanoseconds, by threads that come by all the time: it looks a few times before it
/// sleeps, which is cheaper than to have the holder pay for the waking, and what it takes if nobody else is there is
/// inline, two instructions that lock the bus and next to nothing else. `std::mutex` took a fifth of the instructions that an
/// item cost its producer.
///
/// After U. Drepper, "Futexes Are Tricky" (2011), its second mutex, on C++20's waiting atomics. Not recursive, not fair.
class short_mutex {
 public:
  short_mutex() noexcept = default;
  short_mutex(short_mutex const&) = delete;
  short_mutex& operator=(short_mutex const&) = delete;

  bool try_lock() noexcept {
    state expected = state::free;
    return state_.compare_exchange_strong(expected, state::held, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void lock() noexcept {
    if (!try_lock()) [[unlikely]] wait();
  }
  void unlock() noexcept {
    if (state_.exchange(state::free, std::memory_order_release) == state::waited_for) [[unlikely]] state_.notify_one();
  }

 private:
  enum class state : int { free, held, waited_for };
  static constexpr int looks = 50;

  [[gnu::noinline]] void wait() noexcept {
    for (int i = 0; i < looks; ++i) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
      if (state_.load(std::memory_order_relaxed) == state::free && try_lock()) return;
    }
    while (state_.exchange(state::waited_for, std::memory_order_acquire) != state::free)
      state_.wait(state::waited_for, std::memory_order_relaxed);
  }

  std::atomic<state> state_ = state::free;
};

}  // namespace procx::inline v1::detail
