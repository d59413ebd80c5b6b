#pragma once

#include "race.hpp"

#include <string>
#include <vector>

namespace bench {

// Each in a source of its own name.
std::vector<race> round_trip(effort);
std::vector<race> tasks(effort);
std::vector<race> start(effort);
std::vector<race> large(effort);
std::vector<race> thousand(effort);

/// What can be asked for on the command line: races about one subject.
struct bench_case {
  std::string name;
  std::string about;
  std::vector<race> (*races)(effort);
};

/// All there are, in the order in which they run.
inline std::vector<bench_case> const& all_cases() {
  static std::vector<bench_case> const all{
      {"round-trip", "one int there and back", &round_trip},
      {"tasks", "many small tasks on two workers", &tasks},
      {"start", "a process from its start to its end", &start},
      {"large", "large values there and back", &large},
      {"thousand", "a thousand tasks, each in a process of its own", &thousand},
  };
  return all;
}

}  // namespace bench
