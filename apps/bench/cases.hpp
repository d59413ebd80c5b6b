#pragma once

#include "race.hpp"

#include <string>
#include <vector>

namespace bench {

// Each in a source of its own name.
std::vector<race> round_trip(effort);
std::vector<race> tasks(effort);
std::vector<race> durations(effort);
std::vector<race> parallel_queue(effort);
std::vector<race> order(effort);
std::vector<race> daemon(effort);
std::vector<race> pipeline(effort);
std::vector<race> scale(effort);
std::vector<race> start(effort);
std::vector<race> large(effort);
std::vector<race> payloads(effort);
std::vector<race> idle(effort);
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
      {"durations", "tasks from nothing to 100 ms, every window", &durations},
      {"parallel_queue", "small tasks put by one thread and got by another", &parallel_queue},
      {"pipeline", "ints through three stages", &pipeline},
      {"order", "many short tasks behind one that takes long", &order},
      {"daemon", "calls of a function at a socket path", &daemon},
      {"scale", "what a task costs the parent of many workers", &scale},
      {"start", "a process from its start to its end", &start},
      {"large", "large values there and back", &large},
      {"payloads", "vectors from 16 B to 64 MiB there and back", &payloads},
      {"idle", "busy channels beside thousands of idle ones", &idle},
      {"thousand", "a thousand tasks, each in a process of its own", &thousand},
  };
  return all;
}

}  // namespace bench
