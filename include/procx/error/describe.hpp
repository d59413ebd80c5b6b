#pragma once

#include <procx/version.hpp>

#include <exception>
#include <string>

namespace procx::inline v1 {

/// Everything that is known of an error, as some lines of text for people: what it says; for an exception of another
/// process the stack trace of its throw, and the same of those nested in it; for a death the certificate.
///
/// Takes any exception, procx's or not; empty for a null pointer. Thread-safe. Cost: reads debug information if there is a
/// stack trace, some milliseconds.
/// \code
/// for (auto const& o : results.outcomes())
///   if (!o) std::cerr << px::describe(o.error());
/// \endcode
std::string describe(std::exception_ptr const& error);
std::string describe(std::exception const& error);

}  // namespace procx::inline v1
