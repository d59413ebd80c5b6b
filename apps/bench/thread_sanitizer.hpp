#pragma once

#include "race.hpp"

#include <string>

namespace bench {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_thread_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool under_thread_sanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

/// For peers whose library has threads: built without the sanitizer, it synchronizes in ways that the sanitizer does
/// not see, which then reports races that are none.
inline void refuse_under_thread_sanitizer(std::string const& peer) {
  if (under_thread_sanitizer) throw unavailable("the thread sanitizer does not see into " + peer);
}

}  // namespace bench
