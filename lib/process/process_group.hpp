#pragma once

#include <csignal>

#include <sys/types.h>
#include <unistd.h>

namespace procx::inline v1::detail {

// Each created process leads a process group, so that what it starts goes when it goes, unless that has left the group
// (setsid, setpgid) to live on; and so that Ctrl-C on a terminal is the business of the program, not of its workers.

/// By a created process, first of all.
inline void lead_a_group() noexcept { ::setpgid(0, 0); }

/// Kills what is left of the group of a created process that has ended. Only while it has not been reaped: until then its
/// number is its group's and nobody else's.
inline void kill_group_of_the_dead(pid_t pid) noexcept { ::kill(-pid, SIGKILL); }

}  // namespace procx::inline v1::detail
