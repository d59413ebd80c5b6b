#pragma once

#include <procx/detail/pipeline/row_fields.hpp>
#include <procx/pipeline/destination.hpp>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

#include <sqlite3.h>

namespace procx::inline v1 {

struct sqlite_destination_options {
  /// Run each time the destination is opened: CREATE TABLE IF NOT EXISTS and the like.
  std::string schema = {};
  /// Which of several pipelines it is that write into the same file what they make of the same inputs.
  std::string name = "pipeline";
  commit_options commit = {};
  /// How long to wait for another program that writes; 0: not at all.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  /// Whether each commit waits for the disk, so that it outlives a power cut. Otherwise the last ones may be missing then, and are done again.
  bool durable = false;
};

/// A transaction in SQLite that a batch is written in.
class sqlite_transaction {
 public:
  explicit sqlite_transaction(SQLite::Database& db) noexcept : db_(db) {}

  SQLite::Database& database() noexcept { return db_; }
  /// A statement that is prepared once, and kept.
  SQLite::Statement& prepared(std::string const& sql) { return statements_.try_emplace(sql, db_, sql).first->second; }
  /// Runs one with these values.
  template <class... T>
  void run(std::string const& sql, T const&... values) {
    run_row(prepared(sql), std::tie(values...));
  }
  template <class Row>
  void run_row(SQLite::Statement& statement, Row const& row) {
    statement.tryReset();  // says what was wrong with the last row
    int index = 0;
    detail::for_each_field(row, [&](auto const& field) { bind(statement, ++index, field); });
    statement.exec();
  }

 private:
  template <class T>
  static void bind(SQLite::Statement& statement, int index, T const& field) {
    if constexpr (detail::is_optional_field<T>)
      field ? bind(statement, index, *field) : statement.bind(index);
    else if constexpr (std::is_same_v<T, std::monostate>)
      statement.bind(index);
    else if constexpr (std::is_same_v<T, std::string>)
      statement.bindNoCopy(index, field);
    else if constexpr (detail::text_field<T>)
      statement.bind(index, std::string(std::string_view(field)));
    else if constexpr (detail::blob_field<T>)
      statement.bindNoCopy(index, field.empty() ? "" : static_cast<void const*>(field.data()), static_cast<int>(field.size()));
    else if constexpr (std::is_floating_point_v<T>)
      statement.bind(index, static_cast<double>(field));
    else if constexpr (detail::number_field<T>)
      statement.bind(index, integer(field));
    else
      static_cast<void>(sizeof(detail::row_field_has_no_column<T>));
  }
  template <class T>
  static std::int64_t integer(T number) {
    auto const value = static_cast<std::int64_t>(number);
    if constexpr (std::is_unsigned_v<T>)
      if (value < 0) throw std::out_of_range("a number is too large for a column of SQLite: " + std::to_string(number));
    return value;
  }

  SQLite::Database& db_;
  std::unordered_map<std::string, SQLite::Statement> statements_;
};

namespace detail {

/// A file of SQLite without the types of rows.
class sqlite_connection {
 public:
  sqlite_connection(std::string file, sqlite_destination_options const& options)
      : file_(std::move(file)), options_(options), db_(opened()), to_(db_) {
    write_ahead();
    explained([&] {
      db_.exec(options_.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
      db_.exec("BEGIN IMMEDIATE");
      db_.exec("CREATE TABLE IF NOT EXISTS procx_cursors (name TEXT NOT NULL, source TEXT NOT NULL, begins INTEGER NOT NULL, "
               "ends INTEGER NOT NULL, PRIMARY KEY (name, source, begins)) WITHOUT ROWID");
      if (!options_.schema.empty()) db_.exec(options_.schema);
      db_.exec("COMMIT");
      version_ = version();
    });
  }

  sqlite_transaction& to() noexcept { return to_; }
  bool is_usable() const noexcept { return usable_; }

  done_parts load() {
    return explained([&] {
      done_parts done;
      SQLite::Statement& rows = to_.prepared("SELECT source, begins, ends FROM procx_cursors WHERE name = ?");
      rows.tryReset();
      rows.bind(1, options_.name);
      while (rows.executeStep())
        done.add({rows.getColumn(0).getString(), static_cast<std::uint64_t>(rows.getColumn(1).getInt64()),
                  static_cast<std::uint64_t>(rows.getColumn(2).getInt64())});
      rows.tryReset();
      return done;
    });
  }
  void begin(done_parts& done) {
    explained([&] { db_.exec("BEGIN IMMEDIATE"); });
    if (std::int64_t const now = explained([&] { return version(); }); std::exchange(version_, now) != now) done = load();
  }
  void commit(std::span<done_parts::change const> changes) {
    explained([&] {
      for (done_parts::change const& c : changes) {
        for (std::uint64_t const begin : c.removed)
          to_.run("DELETE FROM procx_cursors WHERE name = ? AND source = ? AND begins = ?", options_.name, c.source, begin);
        for (done_parts::range const& r : c.added)
          to_.run("INSERT INTO procx_cursors VALUES (?, ?, ?, ?)", options_.name, c.source, r.begin, r.end);
      }
      db_.exec("COMMIT");
    });
  }
  void roll_back() noexcept {
    if (!::sqlite3_get_autocommit(db_.getHandle())) db_.tryExec("ROLLBACK");
  }
  /// All of the work, or nothing.
  template <class Work>
  void write(Work const& work) {
    explained([&] { db_.exec("SAVEPOINT batch"); });
    try {
      explained(work);
      explained([&] { db_.exec("RELEASE batch"); });
    } catch (...) {
      usable_ = usable_ && db_.tryExec("ROLLBACK TO batch") == SQLITE_OK && db_.tryExec("RELEASE batch") == SQLITE_OK;
      throw;
    }
  }

 private:
  SQLite::Database opened() {
    return explained([&] {
      return SQLite::Database(file_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, static_cast<int>(options_.patience.count()));
    });
  }
  /// SQLite does not wait for others by itself when it changes the mode.
  void write_ahead() {
    auto const end = std::chrono::steady_clock::now() + options_.patience;
    while (db_.tryExec("PRAGMA journal_mode = WAL") == SQLITE_BUSY && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  /// Another one after somebody else has committed.
  std::int64_t version() {
    SQLite::Statement& row = to_.prepared("PRAGMA data_version");
    row.tryReset();
    row.executeStep();
    std::int64_t const number = row.getColumn(0).getInt64();
    row.tryReset();
    return number;
  }
  template <class Work>
  std::invoke_result_t<Work const&> explained(Work const& work) try {
    return work();
  } catch (SQLite::Exception const& e) {
    explain(e);
  }
  [[noreturn]] void explain(SQLite::Exception const& e);

  std::string const file_;
  sqlite_destination_options const options_;
  bool usable_ = true;
  SQLite::Database db_;
  sqlite_transaction to_;
  std::int64_t version_ = 0;
};

inline void sqlite_connection::explain(SQLite::Exception const& e) {
  namespace system_errc = boost::system::errc;
  std::string why = e.what();
  boost::system::error_code code = system_errc::make_error_code(system_errc::io_error);
  switch (e.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = errc::busy;
      why = "another program has it locked, for longer than " + std::to_string(options_.patience.count()) + " ms (" + why + ')';
      break;
    case SQLITE_NOTADB: code = errc::protocol_error, why = "is no database (" + why + ')'; break;
    case SQLITE_CORRUPT: code = errc::protocol_error; break;
    case SQLITE_FULL: code = system_errc::make_error_code(system_errc::no_space_on_device); break;
    case SQLITE_READONLY: code = system_errc::make_error_code(system_errc::read_only_file_system); break;
    case SQLITE_CANTOPEN: code = system_errc::make_error_code(system_errc::permission_denied); break;
    case SQLITE_IOERR:
    case SQLITE_NOMEM: break;
    default: throw destination_error(system_errc::make_error_code(system_errc::invalid_argument), file_, why);
  }
  usable_ = false;
  throw destination_error(code, file_, why);
}

template <class Row>
class sqlite_batch_store final : public batch_store<Row> {
 public:
  using writer = std::function<void(sqlite_transaction& to, batch<Row> const& rows)>;

  sqlite_batch_store(std::string const& file, writer write, sqlite_destination_options const& options)
      : connection_(file, options), write_(std::move(write)) {}

  done_parts load() override { return connection_.load(); }
  void begin(done_parts& done) override { connection_.begin(done); }
  void commit(std::span<done_parts::change const> changes) override { connection_.commit(changes); }
  void roll_back() noexcept override { connection_.roll_back(); }
  bool is_usable() const noexcept override { return connection_.is_usable(); }
  void write(batch<Row> const& rows) override {
    connection_.write([&] { write_(connection_.to(), rows); });
  }

 private:
  sqlite_connection connection_;
  writer const write_;
};

}  // namespace detail
}  // namespace procx::inline v1
