#pragma once

#include <procx/jobs/job.hpp>

#include <string>
#include <string_view>
#include <vector>

/// A job as a JSON object, in one line. What is not known is left out. Text that is not UTF-8 has U+FFFD in its place.
std::string json_of(procx::job_status const& job);

/// "running", "exited with 3", "exited with 0, 2 processes left".
std::string state_of(procx::job_status const& job);
/// Several lines about a job, for people.
std::string description_of(procx::job_status const& job);
/// A table of jobs with a line for each.
std::string table_of(std::vector<procx::job_status> const& jobs);

/// What the shell would say: the exit code, or 128 and the signal. `unknown_exit` if nobody knows, or it has not ended.
int exit_code_of(procx::job_status const& job);

/// What these commands exit with when they cannot do what they were asked to: no code of the job's. As env(1) and timeout(1).
inline constexpr int unknown_exit = 125;
