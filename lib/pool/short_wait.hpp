#pragma once

#include <mutex>

namespace procx::inline v1::detail {

/// Locks a mutex that is only ever held for some tens of nanoseconds, by threads that take it all the time: a few more
/// looks at it are cheaper than to be put to sleep, and to have the holder pay for the waking.
inline std::unique_lock<std::mutex> lock_shortly(std::mutex& mutex) {
  for (int looks = 0; looks < 50; ++looks) {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (lock) return lock;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
  return std::unique_lock(mutex);
}

}  // namespace procx::inline v1::detail
