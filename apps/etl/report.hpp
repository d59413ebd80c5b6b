#pragma once

#include <chrono>
#include <string>

namespace etl {

/// Writes the page about a database: to this file, or to standard output if it is called "-". Throws failure, SQLite::Exception.
void write_report(std::string const& database, std::string const& page, std::string const& title, std::chrono::milliseconds wait);

}  // namespace etl
