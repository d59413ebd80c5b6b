#pragma once

#include <string_view>

namespace console {

/// Writes to standard output. If nobody reads it any more (`| head`), quietly does nothing. Throws failure if it cannot be
/// written for another reason.
void print(std::string_view text);

/// Writes to standard error what can be written there: a closed pipe or a full disk must not end a build.
void print_error(std::string_view text) noexcept;

/// Opens what is closed of the standard streams, so that no file of the program becomes one of them.
void keep_standard_streams_apart();

}  // namespace console
