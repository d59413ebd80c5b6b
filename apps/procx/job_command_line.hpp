#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

/// Adds the commands for jobs to the command line. What is left behind: which one was given, and what it does.
class job_command_line {
 public:
  explicit job_command_line(CLI::App& app);
  job_command_line(job_command_line const&) = delete;

  /// The command whose last words are a command of their own.
  CLI::App const& start() const { return *start_; }
  /// Runs the command that was given; `words` are the last ones of the command line. Empty if none of these was given.
  std::function<int(std::vector<std::string> const& words)> chosen() const;

 private:
  CLI::App* start_ = nullptr;
  std::vector<std::pair<CLI::App*, std::function<int(std::vector<std::string> const&)>>> commands_;
};
