#pragma once

#include "pipeline/segment.hpp"

#include <procx/detail/pipeline/stage_base.hpp>

#include <memory>
#include <vector>

namespace procx::inline v1::detail {

/// Which stages run together: those without options of their own where the one before them does.
std::vector<std::unique_ptr<segment>> segments_of(std::vector<stage_entry> stages);

}  // namespace procx::inline v1::detail
