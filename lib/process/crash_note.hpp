#pragma once

#include <procx/error/certificate.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// What a process that crashes notes in shared memory with its last strength.
struct crash_note {
  static constexpr std::size_t depth = 48;

  std::atomic<int> signal;  ///< 0: nothing was noted
  pid_t sender;             ///< 0: the processor
  std::uint8_t has_address;  ///< no bool, since anything may be written there
  std::uint64_t address;  ///< that could not be touched
  void const* at;         ///< the instruction
  std::array<void const*, depth> frames;

  void reset() noexcept { signal.store(0, std::memory_order_relaxed); }
};

/// One for a child of this process, in memory that it will share; null if a thousand are in use, or there is no memory.
/// Thread-safe. Cost: next to nothing, but the first time.
std::shared_ptr<crash_note> new_crash_note() noexcept;

/// From now on a fatal signal of this process is noted there before it takes its course: SIGSEGV, SIGBUS, SIGILL, SIGFPE
/// and SIGABRT, where they are at their defaults. On a stack of its own, so that an overflow of the other one is noted too.
void note_crashes(crash_note& where) noexcept;

/// Adds to the certificate what was noted, if its process died of that signal. Where that one's code was, the
/// caller's must be: true of a fork.
void add_crash(death_certificate& certificate, crash_note const& note);

}  // namespace procx::inline v1::detail
