#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

namespace etl {

/// All that the page shows, as JSON. Reads the database in one transaction, so that all of it is of one moment. Throws SQLite::Exception.
std::string report_data(SQLite::Database& database, std::string const& title);

}  // namespace etl
