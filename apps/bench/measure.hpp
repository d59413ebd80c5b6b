#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// What one run of a contender has measured, in the unit of its race.
struct measured {
  double value = 0;
  double second = 0;  ///< what the race's second figure is, if it has one
};

/// How much work the contenders are to do: enough to measure, or just enough to see that they work.
struct effort {
  bool quick = false;

  std::size_t of(std::size_t count, std::size_t if_quick) const noexcept { return quick ? if_quick : count; }
};

class stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(clock::now() - began_).count(); }
  double microseconds() const { return seconds() * 1e6; }
  /// Nanoseconds for each of so many operations.
  double ns_each(std::size_t count) const { return seconds() * 1e9 / static_cast<double>(count); }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point began_ = clock::now();
};

/// The quantile of the values, such as 0.5 for the median. There must be a value.
double quantile(std::vector<double> values, double q);

/// Median and 99th percentile of single operations.
measured of_times(std::vector<double> const& times);

/// Throws std::runtime_error if a contender's result is not what it should be.
void check(bool right, char const* what = "the results are wrong");

/// Throws std::system_error if the system call has failed; else gives what it returned.
long check_call(long returned, char const* name);

}  // namespace bench
