#pragma once

#include <algorithm>
#include <chrono>

namespace procx::inline v1::detail {

/// The end of a wait of this length; the end of time if that is not far enough away to be counted.
inline std::chrono::steady_clock::time_point from_now(std::chrono::nanoseconds timeout) {
  auto const now = std::chrono::steady_clock::now();
  auto const never = std::chrono::steady_clock::time_point::max();
  if (timeout > never - now) return never;
  return now + std::max(timeout, std::chrono::nanoseconds(0));
}

}  // namespace procx::inline v1::detail
