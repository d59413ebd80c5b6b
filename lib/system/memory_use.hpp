#pragma once

#include <cstddef>
#include <optional>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// Bytes of memory that a process has to itself, by its own account or the system's.
struct memory_use {
  std::size_t address_space = 0;  ///< all that is mapped, shared or not
  std::size_t resident = 0;       ///< in memory now, and not shared
};

/// None if the process is gone, or cannot be looked at. Cost: some microseconds.
std::optional<memory_use> memory_use_of(pid_t pid);

}  // namespace procx::inline v1::detail
