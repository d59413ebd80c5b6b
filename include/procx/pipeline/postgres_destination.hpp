#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/postgres_batch_store.hpp>
#include <procx/pipeline/destination.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// Tables of a database of PostgreSQL as the destination of a pipeline: see `destination`. Not included by procx.hpp: the program links
/// libpqxx 6 (Debian's libpqxx-dev; -lpqxx -lpq).
///
/// Rows are written by COPY, each batch as a whole or not at all. What is done stands in the table `procx_cursors`. While it is open
/// it holds an advisory lock of its name: a second program of the same name waits.
/// Errors: destination_error if the server cannot be reached, is stopped (`errc::connection_error`), or if a table or the name is
/// locked for longer than `patience`; with the reason for an SQL error. It does not connect again: the next run goes on.
/// Cost: some round trips for each batch, besides its rows: batches of thousands of rows are best.
/// \code
/// struct visit { std::int64_t time; std::string path; int status; };
/// px::postgres_destination<visit> db("host=/run/postgresql dbname=web", "visits", {"time", "path", "status"},
///                                    {.schema = "CREATE TABLE IF NOT EXISTS visits (time BIGINT, path TEXT, status INT)"});
/// \endcode
template <class Row>
class postgres_destination : public destination<Row> {
 public:
  /// `where`: as libpq has it. The members of a row (or the elements, if it is a tuple) go to these columns, each a number, a string, a vector of
  /// bytes, or an optional one of these.
  postgres_destination(std::string const& where, std::string table, std::vector<std::string> columns,
                       postgres_destination_options const& options = {})
      : postgres_destination(
            where,
            [table = std::move(table), columns = std::move(columns)](postgres_transaction& to, batch<Row> const& rows) {
              to.copy(table, columns, rows.rows);
            },
            options) {}
  /// `write` does what is to be done with a batch.
  postgres_destination(std::string const& where, std::function<void(postgres_transaction& to, batch<Row> const& rows)> write,
                       postgres_destination_options const& options = {})
      : destination<Row>(std::make_unique<detail::postgres_batch_store<Row>>(where, std::move(write), options), options.commit) {}
};

}  // namespace procx::inline v1
