#pragma once

#include <string_view>

namespace etl {

/// Whether an agent is a program and not a person's browser, by what it says of itself: a name with "bot", "crawler" and the like,
/// the name of a library or tool, the address of a page that explains it, or nothing at all. Takes microseconds.
bool is_robot(std::string_view agent);

}  // namespace etl
