#pragma once

#include <procx/jobs/job.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// What the commands for jobs do. Each returns the exit status of the program, and throws what the library throws.

struct start_command {
  std::string address;
  bool terminal = false;
  bool no_input = false;
  double watch = 0.05;  ///< seconds in which the command may still fail at once
  bool json = false;
  std::vector<std::string> words;
};
/// 0 once the command runs. If it ends while it is watched, its own exit status, and the end of its output is shown; 126 or 127 if
/// it cannot be executed.
int start(start_command const& c);

struct attach_command {
  std::string address;
  bool from_now = false;
  bool no_input = false;
  std::string detach_key = "^\\";
};
/// The exit status of the job's command; 0 if the user has detached.
int attach(attach_command const& c);

struct logs_command {
  std::string address;
  bool follow = false;
  std::optional<unsigned long> lines;
};
int logs(logs_command const& c);

struct several_jobs {
  std::vector<std::string> addresses;
  bool json = false;
};
/// All jobs of the user's folder if none is given. 0 if all of them are running, or have succeeded.
int status(several_jobs const& c);
int list(bool json);
/// Removes the files of jobs that have ended.
int forget(several_jobs const& c);

struct wait_command {
  several_jobs jobs;
  std::optional<double> timeout;  ///< seconds
};
/// The exit status of the last of them that has failed, 0 if none has; 124 once the time is up.
int wait(wait_command const& c);

struct stop_command {
  several_jobs jobs;
  bool drain = false;
  double grace = 10;  ///< seconds
};
int stop(stop_command const& c);
