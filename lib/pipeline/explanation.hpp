#pragma once

#include "pipeline/segment_outline.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// What has become of a segment's items, and of its workers' time.
struct segment_account {
  segment_outline outline;
  std::uint64_t in = 0, out = 0, dropped = 0, failed = 0, under_way = 0;
  double busy = 0;     ///< what share of the workers' time was spent on items, from 0 to 1
  double blocked = 0;  ///< likewise, on waiting for the next segment
  std::vector<std::pair<std::string, double>> shares = {};  ///< of its stages in `busy`, if there are several: names, and from 0 to 1
  double starved() const noexcept;
};

/// What runs where, for people: before it runs, …
std::string explanation_of(std::string const& name, std::vector<segment_outline> const& segments);
/// … and after it has begun, so long ago: what has gone through each segment, what its workers did, and where it is slow.
std::string explanation_of(std::string const& name, std::vector<segment_account> const& segments,
                           std::chrono::nanoseconds elapsed, bool is_over);

}  // namespace procx::inline v1::detail
