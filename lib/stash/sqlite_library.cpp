#include "stash/sqlite_library.hpp"

#include "system/loaded_library.hpp"

#include <procx/stash/stash_error.hpp>

#include <string>

namespace procx::inline v1::detail {
namespace {

constexpr char file_name[] = "libsqlite3.so.0";

[[noreturn]] void fail(std::string const& why) {
  throw stash_error(boost::system::errc::make_error_code(boost::system::errc::no_such_file_or_directory), file_name,
                    "SQLite cannot be loaded (Debian's libsqlite3-0 has it): " + why);
}

sqlite_library load() {
  loaded_library const library(file_name, fail);
  sqlite_library all{};
  library.find("sqlite3_open_v2", all.open_v2);
  library.find("sqlite3_close", all.close);
  library.find("sqlite3_busy_timeout", all.busy_timeout);
  library.find("sqlite3_extended_result_codes", all.extended_result_codes);
  library.find("sqlite3_extended_errcode", all.extended_errcode);
  library.find("sqlite3_errmsg", all.errmsg);
  library.find("sqlite3_changes", all.changes);
  library.find("sqlite3_get_autocommit", all.get_autocommit);
  library.find("sqlite3_db_readonly", all.db_readonly);
  library.find("sqlite3_prepare_v2", all.prepare_v2);
  library.find("sqlite3_step", all.step);
  library.find("sqlite3_reset", all.reset);
  library.find("sqlite3_clear_bindings", all.clear_bindings);
  library.find("sqlite3_finalize", all.finalize);
  library.find("sqlite3_bind_int64", all.bind_int64);
  library.find("sqlite3_bind_blob", all.bind_blob);
  library.find("sqlite3_column_int64", all.column_int64);
  library.find("sqlite3_column_blob", all.column_blob);
  library.find("sqlite3_column_bytes", all.column_bytes);
  library.find("sqlite3_errstr", all.errstr);
  return all;
}

}  // namespace

sqlite_library const& sqlite_library::get() {
  static sqlite_library const all = load();
  return all;
}

}  // namespace procx::inline v1::detail
