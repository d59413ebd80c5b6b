#pragma once

#include <procx/detail/system/short_mutex.hpp>

#include <atomic>
#include <cstdint>

namespace procx::inline v1::detail {

/// Another one for each thread that has asked for one; 0 before that, and again in a forked child.
inline constinit thread_local std::uint64_t thread_number = 0;

/// A mutex that costs a thread which has it for itself next to nothing: after some uses in a row it is that thread's, which
/// from then on takes and leaves it by plain stores, without an instruction that locks the bus. Another thread that locks
/// it ends that for good, and what is left is a `short_mutex`. One that only visits lets it be, and pays for itself: some
/// microseconds if the owner is running. Where the system has no membarrier(2), or the library was loaded when
/// there were threads, it is a `short_mutex` from the beginning.
///
/// Why a store and then a load are enough for the owner: whoever wants to get in says so first, and then has the system
/// execute a barrier on every processor that runs a thread of this process. After that the owner has seen it, or is seen
/// to be inside. After D. Dice, H. Huang and M. Yang, "Asymmetric Dekker Synchronization" (2001), and the biased locks of
/// Java virtual machines. Not recursive, not fair.
class biased_mutex {
 public:
  class visit;

  biased_mutex() noexcept = default;
  biased_mutex(biased_mutex const&) = delete;
  biased_mutex& operator=(biased_mutex const&) = delete;

  /// No thread ever gets it for itself. Before it is first locked.
  void share() noexcept { was_owned_ = true; }

  void lock() noexcept {
    if (!try_enter()) [[unlikely]] lock_slowly();
  }
  void unlock() noexcept {
    if (slowly_) [[unlikely]] return unlock_slowly();
    leave();
  }

  /// Locks it if it is this thread's, and nobody visits; `leave` is what follows.
  bool try_enter() noexcept {
    if (owner_.load(std::memory_order_relaxed) != thread_number) return false;
    inside_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (!shut_.load(std::memory_order_acquire)) [[likely]] return true;
    leave();
    return false;
  }
  void leave() noexcept { inside_.store(false, std::memory_order_release); }

 private:
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};

  void lock_slowly() noexcept;
  void unlock_slowly() noexcept;
  void consider(std::uint64_t thread) noexcept;
  bool is_anothers() const noexcept;
  void shut_out_owner() noexcept;

  std::atomic<std::uint64_t> owner_ = nobody;  // written under the mutex
  std::atomic<bool> inside_ = false;           // written by the owner
  std::atomic<bool> shut_ = false;             // the owner must not enter
  bool slowly_ = false;                        // guarded by the whole

  short_mutex mutex_;  // guards what follows, and is taken by all but the owner
  std::uint64_t last_ = nobody;
  unsigned in_a_row_ = 0;
  bool was_owned_ = false;
};

/// Has it locked while it lives, and leaves it to its owner.
class biased_mutex::visit {
 public:
  explicit visit(biased_mutex& m) noexcept;
  visit(visit const&) = delete;
  visit& operator=(visit const&) = delete;
  ~visit();

 private:
  biased_mutex& mutex_;
  bool shut_out_;
};

}  // namespace procx::inline v1::detail
