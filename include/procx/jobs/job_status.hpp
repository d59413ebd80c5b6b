#pragma once

#include <procx/version.hpp>

#include <procx/error/exit_status.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace procx::inline v1 {

enum class job_state {
  running,
  ended,  ///< `status` says how
  lost,   ///< its supervisor was killed, and the command with it: nobody knows how it ended
};

/// What is known of a job. A plain value.
struct job_status {
  std::filesystem::path address;
  job_state state = job_state::lost;
  exit_status status;               ///< of the command, once it has ended
  std::vector<std::string> command;
  std::filesystem::path folder;     ///< in which the command was started
  bool terminal = false;            ///< it has one of its own
  pid_t pid = 0;                    ///< of the command, which leads a process group and a session
  pid_t supervisor = 0;
  std::size_t processes = 0;        ///< of the job that are alive now: the command, and what it has started
  std::uint64_t output = 0;         ///< bytes that the command has written
  std::chrono::system_clock::time_point began;
  std::chrono::system_clock::time_point ended;  ///< the epoch, if it has not, or nobody knows
};

}  // namespace procx::inline v1
