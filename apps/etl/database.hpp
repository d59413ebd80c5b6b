#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <string>

namespace etl {

/// Opens the database to add to it; makes it if there is none. Waits so long for other programs, here and at each commit. Throws
/// failure if it is something else, or of another version; SQLite::Exception.
SQLite::Database open_to_add(std::string const& path, std::chrono::milliseconds wait);

/// Opens it to read. Throws failure also if there is none.
SQLite::Database open_to_read(std::string const& path, std::chrono::milliseconds wait);

/// What a user is told of an error of SQLite.
std::string explain(SQLite::Exception const& e);

}  // namespace etl
