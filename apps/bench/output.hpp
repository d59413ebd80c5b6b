#pragma once

#include "results.hpp"

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The machine and the build, as far as they explain figures.
std::vector<std::pair<std::string, std::string>> surroundings(run_settings const& how);

/// One race as a table for people.
std::string to_text(race_result const& result);

/// Everything, for programs.
std::string to_json(run_settings const& how, std::vector<std::pair<std::string, race_result>> const& results);

}  // namespace bench
