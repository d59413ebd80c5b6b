#include "stash/sqlite_library.hpp"

#include <procx/stash/stash_error.hpp>

#include <string>

#include <dlfcn.h>

namespace procx::inline v1::detail {
namespace {

constexpr char file_name[] = "libsqlite3.so.0";

[[noreturn]] void fail() {
  char const* const why = ::dlerror();
  throw stash_error(boost::system::errc::make_error_code(boost::system::errc::no_such_file_or_directory), file_name,
                    std::string("SQLite cannot be loaded (Debian's libsqlite3-0 has it): ") + (why ? why : "it is no library"));
}

template <class Function>
void find(void* library, char const* name, Function*& function) {
  void* const address = ::dlsym(library, name);
  if (!address) fail();
  function = reinterpret_cast<Function*>(address);
}

sqlite_library load() {
  void* const library = ::dlopen(file_name, RTLD_NOW | RTLD_LOCAL);  // never closed: statements may be its last users
  if (!library) fail();
  sqlite_library all{};
  find(library, "sqlite3_open_v2", all.open_v2);
  find(library, "sqlite3_close", all.close);
  find(library, "sqlite3_busy_timeout", all.busy_timeout);
  find(library, "sqlite3_extended_result_codes", all.extended_result_codes);
  find(library, "sqlite3_extended_errcode", all.extended_errcode);
  find(library, "sqlite3_errmsg", all.errmsg);
  find(library, "sqlite3_changes", all.changes);
  find(library, "sqlite3_get_autocommit", all.get_autocommit);
  find(library, "sqlite3_db_readonly", all.db_readonly);
  find(library, "sqlite3_prepare_v2", all.prepare_v2);
  find(library, "sqlite3_step", all.step);
  find(library, "sqlite3_reset", all.reset);
  find(library, "sqlite3_clear_bindings", all.clear_bindings);
  find(library, "sqlite3_finalize", all.finalize);
  find(library, "sqlite3_bind_int64", all.bind_int64);
  find(library, "sqlite3_bind_blob", all.bind_blob);
  find(library, "sqlite3_column_int64", all.column_int64);
  find(library, "sqlite3_column_blob", all.column_blob);
  find(library, "sqlite3_column_bytes", all.column_bytes);
  find(library, "sqlite3_errstr", all.errstr);
  return all;
}

}  // namespace

sqlite_library const& sqlite_library::get() {
  static sqlite_library const all = load();
  return all;
}

}  // namespace procx::inline v1::detail
