#include "tables/bulk_insert.hpp"

#include <sqlite3.h>

#include <new>
#include <string>

namespace tables {
namespace {

// What SQLite calls: nothing here throws.

struct table : sqlite3_vtab {
  explicit table(readable_rows const& of) : sqlite3_vtab(), rows(of) {}
  readable_rows const& rows;
};

struct cursor : sqlite3_vtab_cursor {
  cursor() : sqlite3_vtab_cursor() {}
  readable_rows const& rows() const { return static_cast<table const*>(pVtab)->rows; }
  std::size_t row = 0;
};

cursor& at(sqlite3_vtab_cursor* c) { return static_cast<cursor&>(*c); }

int connect(sqlite3* connection, void* rows, int, char const* const*, sqlite3_vtab** made, char**) {
  auto const& of = *static_cast<readable_rows const*>(rows);
  int const result = sqlite3_declare_vtab(connection, of.declaration().c_str());
  if (result != SQLITE_OK) return result;
  *made = new (std::nothrow) table(of);
  return *made ? SQLITE_OK : SQLITE_NOMEM;
}

int disconnect(sqlite3_vtab* gone) {
  delete static_cast<table*>(gone);
  return SQLITE_OK;
}

int plan(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }  // there is one way: all rows, in order

int open(sqlite3_vtab*, sqlite3_vtab_cursor** made) {
  *made = new (std::nothrow) cursor;
  return *made ? SQLITE_OK : SQLITE_NOMEM;
}

int close(sqlite3_vtab_cursor* gone) {
  delete &at(gone);
  return SQLITE_OK;
}

int rewind(sqlite3_vtab_cursor* c, int, char const*, int, sqlite3_value**) {
  at(c).row = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* c) {
  ++at(c).row;
  return SQLITE_OK;
}

int is_over(sqlite3_vtab_cursor* c) { return at(c).row >= at(c).rows().size(); }

int read(sqlite3_vtab_cursor* c, sqlite3_context* out, int column) {
  at(c).rows().read(at(c).row, column, cell(*out));
  return SQLITE_OK;
}

int number_of_row(sqlite3_vtab_cursor* c, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(at(c).row);
  return SQLITE_OK;
}

constexpr sqlite3_module module = [] {
  sqlite3_module m = {};
  m.xConnect = connect;
  m.xDisconnect = disconnect;
  m.xBestIndex = plan;
  m.xOpen = open;
  m.xClose = close;
  m.xFilter = rewind;
  m.xNext = next;
  m.xEof = is_over;
  m.xColumn = read;
  m.xRowid = number_of_row;
  return m;
}();

}  // namespace

void cell::set_number(std::int64_t value) { sqlite3_result_int64(&context_, value); }

void cell::set_blob(std::string_view bytes) {
  sqlite3_result_blob64(&context_, bytes.data(), bytes.size(), SQLITE_STATIC);
}

void cell::set_text(std::string_view utf8) {
  sqlite3_result_text64(&context_, utf8.data(), utf8.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void readable_rows::publish(SQLite::Database& connection, std::string const& name, int columns) {
  declaration_ = "CREATE TABLE t(c0";
  for (int i = 1; i < columns; ++i) declaration_ += ", c" + std::to_string(i);
  declaration_ += ')';
  int const result = sqlite3_create_module(connection.getHandle(), name.c_str(), &module, this);
  if (result != SQLITE_OK) throw SQLite::Exception(connection.getHandle(), result);
}

}  // namespace tables
