#pragma once

#include "console/status_line.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace indexer {

/// Says on standard error how far a build has come: see console::status_line.
///
/// It draws only when it is told something, and then seldom, so it may be told often. Not thread-safe.
class progress {
 public:
  void walking(std::size_t files);
  /// Begins the work proper.
  void start(std::int64_t files, std::int64_t bytes, int workers);
  void add(std::int64_t files, std::int64_t bytes);
  /// How many of the workers have something to do.
  void busy(int workers) { busy_ = workers; }

  /// A line that stays, above the bar.
  void say(std::string const& line) { line_.say(line); }
  /// Removes the bar.
  void clear() { line_.clear(); }

 private:
  using clock = std::chrono::steady_clock;

  std::string line() const;

  console::status_line line_;
  clock::time_point started_ = clock::now();
  std::int64_t files_ = 0, bytes_ = 0, all_files_ = 0, all_bytes_ = 0;
  int workers_ = 0, busy_ = 0;
};

}  // namespace indexer
