#pragma once

#include "process/nursery.hpp"

#include <memory>

namespace procx::inline v1::detail {

/// The nursery that `start_nursery` made in this process; null if it did not.
std::shared_ptr<nursery> early_nursery();

}  // namespace procx::inline v1::detail
