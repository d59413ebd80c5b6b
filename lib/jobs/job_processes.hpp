#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

// The processes of a job, as /proc shows them.
namespace procx::inline v1::detail {

/// What a process has started, and what that has started, and so on. Those that have ended and were not reaped do not count.
std::vector<pid_t> descendants_of(pid_t pid);

/// Processes of this user that have PROCX_JOB_ID=id in their environment. So they are found when nobody is left who started them.
std::vector<pid_t> processes_with_id(std::string const& id);

/// Sends those processes the signal, and SIGKILL after that time; 0 means at once. Returns when none is left.
void end_processes_with_id(std::string const& id, int signal, int grace_milliseconds);

}  // namespace procx::inline v1::detail
