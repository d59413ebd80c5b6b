#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etl {

/// Appends a text of a log line as valid UTF-8 in which nothing is invisible: control characters and other bytes become `\x1f`.
/// A text that is longer than `most` bytes is cut there, at a character, and ends in "…". Returns the number of bytes appended.
std::size_t append_clean(std::string& to, std::string_view raw, std::size_t most);

}  // namespace etl
