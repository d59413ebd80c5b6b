#pragma once

#include "apart.hpp"
#include "race.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// A median, and what it lies between.
struct spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

/// How one contender has done over all rounds.
struct standing {
  std::string name;
  std::string against;  ///< empty for one that is compared with nobody
  std::string stands_for;  ///< the contender whose samples these are, if this is the best of several
  std::vector<measured> samples;
  std::optional<spread> value;
  std::optional<spread> second;
  /// How fast it was beside the one it is compared with, round by round: 2 is twice as fast.
  std::optional<spread> speed;
  bool failed = false;
  std::string note;
};

struct race_result {
  std::string title;
  std::string unit;
  bool more_is_better = false;
  std::string second;
  double place = 0;
  std::vector<standing> standings;
  std::string remark = {};

  bool failed() const;
  /// Null if nobody of this name has taken part.
  standing const* find(std::string_view name) const;
};

struct run_settings {
  std::size_t rounds = 5;
  pinning where;
  std::chrono::seconds limit{60};  ///< for one run of one contender
};

/// Runs the contenders one after the other, and that for a number of rounds, so that what disturbs the machine for a
/// while disturbs all of them. `before_each` is told who is next.
race_result run_race(race const& what, run_settings const& how,
                     std::function<void(std::string const& name, std::size_t round)> const& before_each);

}  // namespace bench
