#pragma once

#include "pipeline/segment.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// What runs where, what has gone through, and where most items are, for people. `came`: items that were fed; `lengths`: how many
/// are in each segment.
std::string explanation_of(std::string const& name, std::vector<std::unique_ptr<segment>> const& segments,
                           std::uint64_t came, std::vector<std::size_t> const& lengths);

}  // namespace procx::inline v1::detail
