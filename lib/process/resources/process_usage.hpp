#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sys/resource.h>

namespace procx::inline v1::detail {

/// What a process has used in its life, its children that it has waited for included. Zeros where nobody knows.
struct process_usage {
  std::chrono::microseconds cpu_time{0};  ///< of user and system together
  std::size_t peak_memory = 0;            ///< the most that was resident at once, in bytes

  static process_usage from(rusage const& used) noexcept {
    auto const microseconds = [](timeval const& t) {
      return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    return {microseconds(used.ru_utime) + microseconds(used.ru_stime),
            static_cast<std::size_t>(used.ru_maxrss) * 1024};
  }
};

}  // namespace procx::inline v1::detail
