#pragma once

#include "jobs/job_line.hpp"

#include <functional>
#include <optional>

namespace procx::inline v1::detail {

/// Returns what `ask` gets from the supervisor; or, if there is none, what the files tell, in a job that has ended or is lost.
/// `ask` gives nothing if the connection broke: then it is asked again, or the files are.
job_status ask_job(address const& at, std::function<std::optional<job_status>(job_line&)> const& ask);

}  // namespace procx::inline v1::detail
