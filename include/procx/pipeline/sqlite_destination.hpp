#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/sqlite_batch_store.hpp>
#include <procx/pipeline/destination.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace procx::inline v1 {

/// Tables of a file of SQLite as the destination of a pipeline: see `destination`. Not included by procx.hpp: the program links
/// SQLiteCpp and SQLite (Debian's libsqlitecpp-dev; -lSQLiteCpp -lsqlite3).
///
/// The file is in the mode with a write-ahead log: others may read it meanwhile, and write between two transactions. What is done
/// stands in its table `procx_cursors`.
/// Errors: destination_error if the file is no database, cannot be written, or is locked for longer than `patience`; with the
/// reason for an SQL error.
/// Cost: about a microsecond for each value of a row.
/// \code
/// struct visit { std::int64_t time; std::string path; int status; };
/// px::sqlite_destination<visit> db("visits.db", "INSERT INTO visits VALUES (?, ?, ?)",
///                                  {.schema = "CREATE TABLE IF NOT EXISTS visits (time INTEGER, path TEXT, status INTEGER)"});
/// \endcode
template <class Row>
class sqlite_destination : public destination<Row> {
 public:
  /// `insert` is run for each row: with its members (or elements, if it is a tuple) in their order, each a number, a string, a vector of
  /// bytes, or an optional one of these.
  sqlite_destination(std::string const& file, std::string insert, sqlite_destination_options const& options = {})
      : sqlite_destination(
            file,
            [insert = std::move(insert)](sqlite_transaction& to, batch<Row> const& rows) {
              auto& statement = to.prepared(insert);
              for (Row const& row : rows.rows) to.run_row(statement, row);
            },
            options) {}
  /// `write` does what is to be done with a batch, as a whole or not at all.
  sqlite_destination(std::string const& file, std::function<void(sqlite_transaction& to, batch<Row> const& rows)> write,
                     sqlite_destination_options const& options = {})
      : destination<Row>(std::make_unique<detail::sqlite_batch_store<Row>>(file, std::move(write), options), options.commit) {}
};

}  // namespace procx::inline v1
