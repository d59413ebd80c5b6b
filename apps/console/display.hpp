#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace console {

/// How many bytes the character at the front takes; 0 if these bytes are not UTF-8. The text may not be empty.
std::size_t character_length(std::string_view text);

/// Whether a character is one that a terminal obeys: control characters, the C1 ones (U+0080 to U+009F) and those that turn the
/// direction of writing included.
bool is_control(std::string_view character);

/// The path as it is if it is plain UTF-8, else in the shell's own spelling, $'a\nb\xff': one line, nothing that a
/// terminal obeys, and it can be pasted.
std::string shown_path(std::string_view path);

/// A line of a file for a terminal: tabs and control characters are blanks, what is not UTF-8 is a question mark. At most
/// about `width` bytes, cut so that what is at `focus` can be seen.
std::string shown_line(std::string_view line, std::size_t focus, std::size_t width);

/// 15446 as "15,446".
std::string shown_count(std::int64_t count);
/// In B, kB, MB and so on, in thousands.
std::string shown_bytes(std::int64_t bytes);
/// "0.42 s", "3:05", "1:00:00".
std::string shown_time(std::chrono::duration<double> time);
/// "1 file", "2 files".
std::string shown_plural(std::int64_t count, std::string_view one);

}  // namespace console
