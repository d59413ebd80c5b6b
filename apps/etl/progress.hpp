#pragma once

#include "console/status_line.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace etl {

/// Says on standard error how far a run has come: see console::status_line. Not thread-safe.
class progress {
 public:
  /// `weight` is the number of bytes that are to be read; 0 if that is not known.
  progress(std::uint64_t weight, bool quiet) : quiet_(quiet), all_(weight) {}

  void add(std::uint64_t weight, std::uint64_t bytes, std::uint64_t lines, std::uint64_t flawed);
  void say(std::string const& line) { line_.say(line); }
  void clear() { line_.clear(); }

 private:
  using clock = std::chrono::steady_clock;
  std::string line() const;

  console::status_line line_;
  bool quiet_;
  clock::time_point started_ = clock::now();
  std::uint64_t all_, done_ = 0, bytes_ = 0, lines_ = 0, flawed_ = 0;
};

}  // namespace etl
