#pragma once

#include "small_task.hpp"

#include <chrono>

namespace bench {

/// A small task that takes so long, on whatever processor: it looks at the clock until the time has passed. While it is
/// not allowed to run the time passes as well.
inline task_result spin_and_do(task_argument const& a, std::chrono::nanoseconds duration) {
  using clock = std::chrono::steady_clock;
  if (duration.count() > 0)
    for (auto const until = clock::now() + duration; clock::now() < until;) {
    }
  return do_task(a);
}

}  // namespace bench
