#pragma once

#include <cstdint>

// The names that SQLite itself has for these.
struct sqlite3;
struct sqlite3_stmt;

namespace procx::inline v1::detail {

/// What is used of SQLite's interface, which is the same since version 3.7. It is loaded, not linked: who makes no stash of that
/// kind needs no SQLite, neither to build nor to run.
struct sqlite_library {
  using destructor = void (*)(void*);

  int (*open_v2)(char const* file, sqlite3** database, int flags, char const* vfs);
  int (*close)(sqlite3*);
  int (*busy_timeout)(sqlite3*, int milliseconds);
  int (*extended_result_codes)(sqlite3*, int on);
  int (*extended_errcode)(sqlite3*);
  char const* (*errmsg)(sqlite3*);
  int (*changes)(sqlite3*);
  int (*get_autocommit)(sqlite3*);
  int (*db_readonly)(sqlite3*, char const* name);
  int (*prepare_v2)(sqlite3*, char const* sql, int bytes, sqlite3_stmt** statement, char const** rest);
  int (*step)(sqlite3_stmt*);
  int (*reset)(sqlite3_stmt*);
  int (*clear_bindings)(sqlite3_stmt*);
  int (*finalize)(sqlite3_stmt*);
  int (*bind_int64)(sqlite3_stmt*, int index, std::int64_t);
  int (*bind_blob)(sqlite3_stmt*, int index, void const*, int bytes, destructor);
  std::int64_t (*column_int64)(sqlite3_stmt*, int column);
  void const* (*column_blob)(sqlite3_stmt*, int column);
  int (*column_bytes)(sqlite3_stmt*, int column);
  char const* (*errstr)(int code);

  /// Loads it at the first call. Throws stash_error if there is none.
  static sqlite_library const& get();

  // Codes and flags, which never change either.
  static constexpr int ok = 0, busy = 5, locked = 6, no_memory = 7, read_only = 8, corrupt = 11, full = 13, cannot_open = 14,
                       too_big = 18, not_a_database = 26, row = 100, done = 101;
  static constexpr int open_read_write = 2, open_create = 4, open_no_mutex = 0x8000;
};

}  // namespace procx::inline v1::detail
