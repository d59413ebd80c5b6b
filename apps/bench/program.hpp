#pragma once

#include "measure.hpp"

#include <string>
#include <vector>

namespace bench {

/// Runs another program, which does the work of a contender: it prints its figure and, if there is one, the second,
/// and fails if its results are not right. The command begins with the program's path.
measured figures_of(std::vector<std::string> const& command);

}  // namespace bench
