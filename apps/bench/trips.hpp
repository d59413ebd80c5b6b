#pragma once

#include "measure.hpp"

#include <cstddef>
#include <vector>

namespace bench {

/// The times of that number of round trips; the first ones are not measured. The answer to a number is the next number.
class trips {
 public:
  explicit trips(std::size_t count) : count_(count) { times_.reserve(count); }

  int number() const noexcept { return static_cast<int>(done_); }
  bool over() const noexcept { return times_.size() == count_; }
  void leave() { began_ = stopwatch(); }
  void arrive(int answer) {
    double const took = began_.microseconds();
    check(answer == number() + 1);
    if (++done_ > warm_up) times_.push_back(took);
  }
  measured result() const { return of_times(times_); }

 private:
  static constexpr std::size_t warm_up = 100;

  std::size_t count_;
  std::size_t done_ = 0;
  stopwatch began_;
  std::vector<double> times_;
};

}  // namespace bench
