#pragma once

#include "plan.hpp"

#include <string>
#include <vector>

namespace indexer {

struct build_options {
  std::vector<std::string> directories;
  std::string index;
  int workers = 0;  ///< 0 = all cores
  plan_options plan;
  bool timings = false;  ///< say where the time went
};

/// Makes the index agree with what is in the directories now. Returns the exit code: `done`, or 128 and the signal that
/// interrupted it. Throws failure, SQLite::Exception, procx::error; the index is valid whatever happens.
int build(build_options const& options);

}  // namespace indexer
