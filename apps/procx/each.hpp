#pragma once

#include <procx/process/worker_count.hpp>

#include <chrono>
#include <string>
#include <vector>

/// How `procx each` goes about it.
struct each_options {
  procx::worker_count workers = {};
  bool as_they_come = false;
  unsigned retries = 0;
  std::chrono::milliseconds timeout{0};
  std::vector<std::string> command;
};

/// Runs the command once for each line of standard input, and writes what the runs write, each whole, to standard output. A run
/// is over when its command is, whatever that has left running: what such a process still writes is not waited for.
/// 0 if all succeeded, 1 if not; 2 if nobody reads the output any more.
int each(each_options const& options);
