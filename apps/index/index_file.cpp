#include "index_file.hpp"

#include "console.hpp"
#include "files.hpp"
#include "shard.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include <sys/stat.h>

namespace indexer {
namespace {

constexpr int wait_for_others_ms = 30'000;

constexpr char const* create_tables = R"(
  CREATE TABLE files(id INTEGER PRIMARY KEY, path BLOB NOT NULL, fate INTEGER NOT NULL, reason TEXT,
                     shard INTEGER NOT NULL, mtime_ns INTEGER, ctime_ns INTEGER, bytes INTEGER, inode INTEGER,
                     lines INTEGER);
  CREATE TABLE shards(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
                      documents INTEGER NOT NULL, words INTEGER NOT NULL, weight INTEGER NOT NULL);
  CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
  CREATE TABLE roots(path BLOB PRIMARY KEY) WITHOUT ROWID;
  INSERT INTO state VALUES('next_id', 1);
)";

/// Size of the file, or nothing if there is none. SQLite would block on a FIFO and report a directory in strange words.
std::optional<off_t> size_of_regular(std::string const& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw failure(fmt::format("{}: {}", shown_path(path), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw failure(fmt::format("{} is not an index: it is not a file", shown_path(path)));
  return status.st_size;
}

std::int64_t pragma(SQLite::Database& database, char const* name) {
  return database.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

/// False if the database has nothing in it at all: a build was stopped before it began.
bool check_identity(SQLite::Database& database, std::string const& path) try {
  std::int64_t const application = pragma(database, "application_id");
  std::int64_t const version = pragma(database, "user_version");
  if (application == 0 && version == 0 && pragma(database, "page_count") == 0) return false;
  if (application != application_id)
    throw failure(fmt::format("{} is not an index: it is a database of another program", shown_path(path)));
  if (version != schema_version)
    throw failure(fmt::format("{} was made by another version of procx-index (format {}, this one has {}): "
                              "remove it, or build another one",
                              shown_path(path), version, schema_version));
  return true;
} catch (SQLite::Exception const& e) {
  if (e.getErrorCode() != SQLITE_NOTADB) throw;
  throw failure(fmt::format("{} is not an index", shown_path(path)));
}

/// Does not wait for the disk: there is nothing yet that could be lost, and the first commit waits for this too.
void create(SQLite::Database& database) {
  database.exec("PRAGMA page_size = 16384; PRAGMA synchronous = OFF");
  SQLite::Transaction transaction(database);
  database.exec(create_tables);
  database.exec(create_text_table);
  database.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, schema_version));
  transaction.commit();
  database.exec("PRAGMA synchronous = FULL");
}

}  // namespace

std::string index_path(std::string const& path) {
  auto const slash = path.rfind('/');
  std::string const directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::string const name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == "..") throw failure(shown_path(path) + ": this is a directory");
  std::string const real = real_path(directory);
  if (real.empty()) throw failure(fmt::format("{}: {}", shown_path(directory), std::strerror(errno)));
  std::string const place = (real == "/" ? "" : real) + '/' + name;
  struct stat status;
  if (::lstat(place.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return place;
  std::string target = real_path(place);
  if (target.empty()) throw failure(fmt::format("{} is a link: {}", shown_path(place), std::strerror(errno)));
  return target;  // so that an index has one name, and one lock
}

SQLite::Database open_to_build(std::string const& path) {
  size_of_regular(path);
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, wait_for_others_ms);
  if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
    throw failure(fmt::format("cannot write {}: it is read-only", shown_path(path)));
  if (!check_identity(database, path)) create(database);
  database.exec("PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096");
  return database;
}

SQLite::Database open_to_search(std::string const& path) {
  auto const size = size_of_regular(path);
  if (!size) throw failure(fmt::format("there is no index {}: build it first", shown_path(path)));
  SQLite::Database database(path, SQLite::OPEN_READWRITE, wait_for_others_ms);
  if (!check_identity(database, path)) throw failure(fmt::format("{} is empty: build it first", shown_path(path)));
  return database;
}

std::string explain(SQLite::Exception const& e) {
  switch (e.getErrorCode()) {
    case SQLITE_FULL: return "no space left on the device; the index is as it was after the last batch that was written";
    case SQLITE_BUSY: return "another process is using the index and does not let go of it";
    case SQLITE_READONLY: return "the index cannot be written: it is read-only";
    case SQLITE_CANTOPEN: return "the index or its journal cannot be opened or created";
    case SQLITE_CONSTRAINT:  // only damage leaves a row where a new one goes
    case SQLITE_CORRUPT: return fmt::format("the index is damaged ({}): remove it and build it anew", e.what());
    default: return e.what();
  }
}

}  // namespace indexer
