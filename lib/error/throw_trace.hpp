#pragma once

#include <procx/error/exception_record.hpp>

#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// From now on this thread remembers where its last few exceptions were thrown; for created processes only.
void remember_throws() noexcept;

/// Where the exception was thrown, if this thread remembers.
std::vector<code_location> thrown_at(std::exception_ptr const& e);

/// Why `thrown_at` can never tell in this build or on this thread; empty if it can.
std::string no_trace_because();

/// The place in its module of an address in this process, and back (0 if the module is not mapped here).
code_location locate(void const* address);
void const* address_of(code_location const& where);

}  // namespace procx::inline v1::detail
