#pragma once

#include "race.hpp"

#include <string>
#include <vector>

namespace bench {

/// A contender in Python: a script of this folder, which prints its figure and, if there is one, the 99th percentile,
/// and fails if its results are not right. Left out where there is no python3 or no script.
contender in_python(std::string name, std::string const& script, std::vector<std::string> const& arguments,
                    std::string against = {});

}  // namespace bench
