#include "database.hpp"

#include "periods.hpp"
#include "sessions.hpp"
#include "store.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

namespace etl {
namespace {

constexpr int application_id = 0x70784554;  // "pxET"
constexpr int schema_version = 1;

constexpr char const* tables = R"(
  CREATE TABLE files(id INTEGER PRIMARY KEY, name TEXT NOT NULL, device INTEGER, inode INTEGER, size INTEGER, modified INTEGER,
                     head_size INTEGER, head_hash INTEGER, tail_size INTEGER, tail_hash INTEGER,
                     offset INTEGER NOT NULL, lines INTEGER NOT NULL, finished INTEGER NOT NULL, problem TEXT);
  CREATE TABLE statuses(status INTEGER PRIMARY KEY, requests INTEGER NOT NULL, bytes INTEGER NOT NULL);
  CREATE TABLE invalid(reason TEXT PRIMARY KEY, lines INTEGER NOT NULL, first_file TEXT, first_line INTEGER) WITHOUT ROWID;
  CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE top_lists(name TEXT PRIMARY KEY, capacity INTEGER NOT NULL, floor INTEGER NOT NULL) WITHOUT ROWID;
)";

void create(SQLite::Database& database) {
  database.exec("PRAGMA page_size = 8192");
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  database.exec(tables);
  periods::create_table(database, "minutes");
  periods::create_table(database, "hours");
  sessions::create_tables(database);
  top_table<1>::create(database, pages_layout());
  top_table<1>::create(database, error_paths_layout());
  top_table<2, 1>::create(database, slow_paths_layout());
  top_table<0>::create(database, referrers_layout());
  top_table<2, 1>::create(database, agents_layout());
  database.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, schema_version));
  transaction.commit();
}

std::int64_t pragma(SQLite::Database& database, char const* name) {
  return database.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

/// False if there is nothing in it at all.
bool check_identity(SQLite::Database& database, std::string const& path) try {
  std::int64_t const application = pragma(database, "application_id"), version = pragma(database, "user_version");
  if (application == 0 && version == 0 && pragma(database, "page_count") <= 1 &&
      database.execAndGet("SELECT count(*) FROM sqlite_master").getInt64() == 0)
    return false;
  if (application != application_id)
    throw console::failure(fmt::format("{} is a database of another program", console::shown_path(path)));
  if (version != schema_version)
    throw console::failure(fmt::format("{} was made by another version of procx-etl (format {}, this one has {})",
                                       console::shown_path(path), version, schema_version));
  return true;
} catch (SQLite::Exception const& e) {
  if (e.getErrorCode() != SQLITE_NOTADB) throw;
  throw console::failure(fmt::format("{} is no database", console::shown_path(path)));
}

/// SQLite would block on a FIFO, and report a directory in strange words.
bool is_there(std::string const& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    throw console::failure(fmt::format("{}: {}", console::shown_path(path), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw console::failure(fmt::format("{} is no file", console::shown_path(path)));
  return true;
}

}  // namespace

SQLite::Database open_to_add(std::string const& path, std::chrono::milliseconds wait) {
  is_there(path);
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, static_cast<int>(wait.count()));
  if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
    throw console::failure(fmt::format("cannot write {}: it is read-only", console::shown_path(path)));
  if (!check_identity(database, path)) create(database);
  // The last commits may be lost with the machine, not with the program; and then they are as if they had never been.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY");
  return database;
}

SQLite::Database open_to_read(std::string const& path, std::chrono::milliseconds wait) {
  if (!is_there(path)) throw console::failure(fmt::format("there is no database {}", console::shown_path(path)));
  SQLite::Database database(path, SQLite::OPEN_READWRITE, static_cast<int>(wait.count()));
  if (!check_identity(database, path)) throw console::failure(fmt::format("{} is empty", console::shown_path(path)));
  return database;
}

std::string explain(SQLite::Exception const& e) {
  switch (e.getErrorCode()) {
    case SQLITE_FULL: return "no space left on the device; the database is as it was after the last commit";
    case SQLITE_IOERR: return fmt::format("the database cannot be written or read ({}); it is as it was after the last commit", e.what());
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another program is using the database and does not let go of it; nothing was changed since the last commit";
    case SQLITE_READONLY: return "the database cannot be written: it is read-only";
    case SQLITE_CANTOPEN: return "the database or its journal cannot be opened or created";
    case SQLITE_CORRUPT: return fmt::format("the database is damaged ({})", e.what());
    default: return e.what();
  }
}

}  // namespace etl
