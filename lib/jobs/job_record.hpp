#pragma once

#include "address/address.hpp"

#include <procx/detail/wire/buffer.hpp>
#include <procx/jobs/job_status.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// What a supervisor knows of its job: it is in the file ADDRESS.job, and is sent to clients. In the portable form.
struct job_record {
  std::string id;  ///< PROCX_JOB_ID in the environment of the job's processes
  std::vector<std::string> command;
  std::string folder;
  bool terminal = false;
  std::int64_t supervisor = 0;
  std::int64_t pid = 0;
  std::int64_t began = 0;  ///< microseconds since 1970
  std::int64_t ended = 0;  ///< 0: it has not
  std::int32_t how = 0;    ///< `si_code` and `si_status` as waitid(2) gives them
  std::int32_t value = 0;
  std::uint64_t output = 0;  ///< bytes
  std::uint64_t processes = 0;
  bool closed = false;  ///< the supervisor has left in good order: nothing of the job runs
};

/// Replaces the file at once: who reads it gets the old record or the new one. If there is no room for another file, a record of the
/// same length is written over the old one.
void write_record(address const& at, job_record const& r);
/// Empty if there is none. Throws protocol_error if the file is something else.
std::optional<job_record> read_record(address const& at);

void append_record(buffer& out, job_record const& r);
job_record parse_record(std::span<std::byte const> bytes);

/// Whether a process holds the lock of the address: a supervisor that lives, or is just starting or ending.
bool has_owner(address const& at);

/// `lives`: the supervisor does.
job_status status_of(address const& at, job_record const& r, bool lives);

std::int64_t microseconds_now();

}  // namespace procx::inline v1::detail
