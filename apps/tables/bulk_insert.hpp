#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct sqlite3_context;

namespace tables {

/// The column of a row that SQL asks for: null unless it is set. Bytes are not copied, and must stay while the statement
/// runs.
class cell {
 public:
  explicit cell(sqlite3_context& context) : context_(context) {}
  void set_number(std::int64_t value);
  void set_blob(std::string_view bytes);
  void set_text(std::string_view utf8);

 private:
  sqlite3_context& context_;
};

/// Rows in memory that SQL can read as a table.
///
/// The technique is SQLite's own: an eponymous-only virtual table (sqlite.org/vtab.html), as its `generate_series` is one.
class readable_rows {
 public:
  readable_rows() = default;
  readable_rows(readable_rows const&) = delete;
  readable_rows& operator=(readable_rows const&) = delete;

  virtual std::size_t size() const noexcept = 0;
  std::string const& declaration() const noexcept { return declaration_; }  ///< in SQL; once they are published
  /// Both counted from 0.
  virtual void read(std::size_t row, int column, cell out) const noexcept = 0;

 protected:
  ~readable_rows() = default;

  /// Makes the rows known on a connection, as a table of this name; they must stay as long as statements there read them.
  /// Throws SQLite::Exception.
  void publish(SQLite::Database& connection, std::string const& name, int columns);

 private:
  std::string declaration_;
};

/// Stores many rows in a table by one statement, for a fraction of what one statement a row costs.
template <class Row>
class bulk_insert : private readable_rows {
 public:
  using reader = void (*)(Row const& row, int column, cell out);

  /// The function gives the columns, which are those of the table in their order; it must not throw. The connection must
  /// outlive this. `verb` may be "INSERT OR REPLACE". Throws SQLite::Exception.
  bulk_insert(SQLite::Database& connection, std::string const& table, int columns, reader reads, std::string const& verb = "INSERT")
      : read_(reads), insert_(prepare(connection, table, columns, verb)) {}

  /// Throws SQLite::Exception.
  void operator()(std::span<Row const> rows) {
    rows_ = rows;
    insert_.exec();
    insert_.reset();
    rows_ = {};
  }

 private:
  SQLite::Statement prepare(SQLite::Database& connection, std::string const& table, int columns, std::string const& verb) {
    std::string const rows = "rows_for_" + table;
    publish(connection, rows, columns);
    return SQLite::Statement(connection, verb + " INTO " + table + " SELECT * FROM " + rows);
  }

  std::size_t size() const noexcept override { return rows_.size(); }
  void read(std::size_t row, int column, cell out) const noexcept override { read_(rows_[row], column, out); }

  reader read_;
  std::span<Row const> rows_;
  SQLite::Statement insert_;
};

}  // namespace tables
