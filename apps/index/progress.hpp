#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace indexer {

/// Says on standard error how far a build has come: a bar on a terminal, else a line every few seconds.
///
/// It draws only when it is told something, and then seldom, so it may be told often. Not thread-safe.
class progress {
 public:
  progress();
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;
  ~progress() { clear(); }

  void walking(std::size_t files);
  /// Begins the work proper.
  void start(std::int64_t files, std::int64_t bytes, int workers);
  void add(std::int64_t files, std::int64_t bytes);
  /// How many of the workers have something to do.
  void busy(int workers) { busy_ = workers; }

  /// A line that stays, above the bar.
  void say(std::string const& line);
  /// Removes the bar.
  void clear();

 private:
  using clock = std::chrono::steady_clock;

  bool due();
  void draw(std::string const& line);
  std::string line(int width) const;

  bool terminal_;
  bool drawn_ = false;
  clock::time_point started_;
  clock::time_point last_;
  std::int64_t files_ = 0, bytes_ = 0, all_files_ = 0, all_bytes_ = 0;
  int workers_ = 0, busy_ = 0;
};

}  // namespace indexer
