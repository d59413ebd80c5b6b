#pragma once

#include <exception>
#include <functional>

namespace procx::inline v1::detail {

/// Whoever waits for the end of all tasks: is told what is wrong with how a worker has left, null if nothing is. Returns
/// whether it hears that; if not, the next one is told.
using ending_handler = std::function<bool(std::exception_ptr)>;

}  // namespace procx::inline v1::detail
