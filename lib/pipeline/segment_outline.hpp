#pragma once

#include <procx/detail/pipeline/stage_base.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// What can be said of a segment before it runs.
struct segment_outline {
  std::string name;  ///< of its stages, with "+" between them
  std::size_t stages = 0;
  bool here = false;
  std::filesystem::path address = {};  ///< of the daemon that runs it, if one does
  std::size_t workers = 1;
  bool ordered = false;
  bool keyed = false;

  /// What there is to say of it but its name.
  std::string how() const;
};

segment_outline outline_of(std::vector<stage_outline> const& stages);

/// Which stages run together: those without options of their own where the one before them does. The number of stages in each
/// segment.
std::vector<std::size_t> plan_of(std::vector<stage_outline> const& stages);

/// Gives each stage a name that has none: its kind and place.
template <class Stage>
void name_stages(std::vector<Stage>& stages) {
  std::size_t place = 0;
  for (Stage& s : stages) {
    ++place;
    if (s.options.name.empty()) s.options.name = s.kind + (' ' + std::to_string(place));
  }
}

}  // namespace procx::inline v1::detail
