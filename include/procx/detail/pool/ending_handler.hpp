#pragma once

#include <exception>
#include <functional>

namespace procx::inline v1::detail {

/// A handler that waits for the end of all tasks. It is told what is wrong with how a worker has left, null if nothing is, and
/// returns true if it takes that parameter; if it does not, the next handler is told.
using ending_handler = std::function<bool(std::exception_ptr)>;

}  // namespace procx::inline v1::detail
