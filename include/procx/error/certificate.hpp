#pragma once

#include <procx/error/exception_record.hpp>
#include <procx/error/exit_status.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace procx::inline v1 {

/// What a process died of.
enum class death_cause {
  itself,         ///< it exited, crashed, or was killed by somebody else
  timeout,        ///< its task took longer than it was given
  cancellation,   ///< its task was cancelled
  memory_limit,   ///< more memory was resident in it than its tasks may use
  out_of_memory,  ///< the system, or the control group, ran out of memory and killed it
};

/// All that is known of a process that has died. A plain value.
struct death_certificate {
  pid_t pid = 0;  ///< somebody else may have it by now
  exit_status status = {};
  death_cause cause = death_cause::itself;

  /// The task that it was running: the place of its input (`pmap`), or how many were submitted before it; none if it
  /// was running none, or was not there to run tasks.
  std::optional<std::uint64_t> task = {};
  unsigned attempt = 0;  ///< of that task, from 1

  std::chrono::microseconds cpu_time{0};  ///< that it has used, user and system; 0 if nobody knows
  std::size_t peak_memory = 0;            ///< the most that was resident at once, in bytes; 0 if nobody knows
  /// What it wrote last, at most 4 KiB; empty if that was not captured.
  std::string stderr_tail = {};

  /// Where a forked process was when SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT killed it, innermost first; empty if nobody
  /// knows.
  std::vector<code_location> crash = {};
  std::optional<std::uint64_t> fault_address = {};  ///< what it tried to touch then
  pid_t killed_by = 0;                         ///< who sent that signal, if it was sent; 0 otherwise
};

/// The certificate as some lines of text for people, each with its end.
///
/// Cost: reads debug information if there is a stack trace, some milliseconds.
std::string to_string(death_certificate const& certificate);

}  // namespace procx::inline v1
