#pragma once

#include "results.hpp"

#include <string>
#include <utility>
#include <vector>

namespace bench {

struct figure {
  std::string name;  ///< of the file, without .svg
  std::string svg;
};

/// The figures that can be drawn of these results: one for each case that has one and was measured.
std::vector<figure> draw_figures(std::vector<std::pair<std::string, race_result>> const& results);

}  // namespace bench
