#pragma once

#include <procx/version.hpp>

#include <procx/stash/stash.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace procx::inline v1 {

struct sqlite_options {
  durability how = durability::normal;
  /// How long to wait for another program that writes; 0: not at all.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
};

/// Keeps records in a table of an SQLite database: see `sqlite_stash`. The fingerprint says what they are.
std::unique_ptr<byte_store> make_sqlite_store(std::filesystem::path const& file, std::string const& table,
                                              std::uint64_t fingerprint, sqlite_options const& options = {});

/// A stash in a file of SQLite, which may have any number of tables, each a stash with a name and a type of its own.
///
/// The file is made if it is not there, in the mode with a write-ahead log: two more files lie beside it while it is used.
/// SQLite (libsqlite3.so.0, Debian's libsqlite3-0) is loaded when the first such stash is made; programs that make none need
/// not have it.
/// Errors: `stash_error` if the file is no database, or one of another program (it is not changed then), if the table's
/// values are of another type, if another program keeps the file locked for longer than `patience`, if SQLite is
/// missing, and for whatever the system refuses. Thread-safe, and safe in any number of programs at once: readers never wait, one
/// writes at a time. Not to be used in a forked child of the process that made it, which gets errc::foreign_process: make another
/// one after a fork, and none of the same file before. Not for network file systems.
/// Cost: some microseconds to load; some tens for each `dump`, which is a transaction.
template <class T>
class sqlite_stash : public stash<T> {
 public:
  sqlite_stash(std::filesystem::path const& file, std::string const& table, sqlite_options const& options = {})
      : stash<T>(make_sqlite_store(file, table, type_fingerprint<T>(), options)) {}
};

}  // namespace procx::inline v1
