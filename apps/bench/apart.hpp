#pragma once

#include "pinning.hpp"
#include "race.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace bench {

/// How one run of a contender has ended.
struct run_outcome {
  std::optional<measured> figures;  ///< none if it failed or could not take part
  bool failed = false;
  std::string note;  ///< why there are no figures
};

/// Runs a contender once, in a fresh process on the processors given. One that is not done in time is killed, and with
/// it all that it has started.
run_outcome run_apart(contender const& who, pinning const& where, std::chrono::seconds limit);

}  // namespace bench
