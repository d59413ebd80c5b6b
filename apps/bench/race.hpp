#pragma once

#include "measure.hpp"

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// What a contender throws that cannot take part on this machine; it is left out, with a note.
struct unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One way of doing the work of a race.
struct contender {
  std::string name;
  /// Does the work once, in a process that does nothing else; throws if the results are not right.
  std::function<measured()> run;
  /// The contender that this one's speed is compared with; empty: the race's reference.
  std::string against = {};
};

/// Several settings of one contender, of which the one with the best median stands for all in a row of its own.
struct best_of {
  std::string name;
  std::vector<std::string> members;
  std::string against = {};
};

struct race_result;

/// Contenders that do the same work and give the same results.
struct race {
  std::string title;
  std::string unit;
  bool more_is_better = false;
  std::string reference;
  std::vector<contender> contenders = {};
  std::vector<best_of> best = {};
  /// What `measured::second` is.
  std::string second = "p99";
  /// Where the race lies on the axis of its case's figure: a size in bytes, a duration in seconds.
  double place = 0;
  /// What follows from the figures, printed below them.
  std::function<std::string(race_result const&)> remark = {};
  /// As many rounds at most, where one takes long.
  std::size_t most_rounds = 100;
};

}  // namespace bench
