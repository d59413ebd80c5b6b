#pragma once

#include "stash/sqlite_library.hpp"

#include <procx/stash/sqlite_stash.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace procx::inline v1::detail {

/// A connection to a file of SQLite. Errors are thrown as stash_error. Not thread-safe.
class sqlite_database {
 public:
  class statement;

  /// Makes the file if there is none; changes nothing in one that is there.
  sqlite_database(std::filesystem::path const& file, std::chrono::milliseconds patience);
  sqlite_database(sqlite_database const&) = delete;
  sqlite_database& operator=(sqlite_database const&) = delete;
  /// A forked child leaves alone what is its parent's.
  ~sqlite_database();

  void run(char const* sql);
  /// The first column of the first row; 0 if there is none.
  std::int64_t number(char const* sql);
  bool is_read_only() const;
  int changes() const { return library_.changes(connection_); }
  std::filesystem::path const& file() const noexcept { return file_; }

  /// Has the work done in one transaction that writes, again if another program was in the way.
  template <class Work>
  void write(Work const& work) {
    within("BEGIN IMMEDIATE", work);
  }
  /// The same in one that only reads: all of it sees one state.
  template <class Work>
  void read(Work const& work) {
    within("BEGIN", work);
  }
  /// Tries until another program is no longer in the way, or patience is at its end.
  template <class Work>
  auto patiently(Work const& work) {
    auto const end = std::chrono::steady_clock::now() + patience_;
    for (;;) {
      try {
        return work();
      } catch (stash_error const& e) {
        if (e.code() != errc::busy || std::chrono::steady_clock::now() >= end) throw;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  /// Throws in a process that was forked since.
  void check_process() const;

  [[noreturn]] void fail(int code) const;

 private:
  template <class Work>
  void within(char const* begin, Work const& work) {
    patiently([&] {
      run(begin);
      try {
        work();
        run("COMMIT");
      } catch (...) {
        roll_back();
        throw;
      }
    });
  }
  void roll_back() noexcept;

  sqlite_library const& library_;
  std::filesystem::path file_;
  std::chrono::milliseconds patience_;
  unsigned generation_;
  sqlite3* connection_ = nullptr;
};

/// A prepared statement; it must go before its database.
class sqlite_database::statement {
 public:
  statement(sqlite_database& of, std::string const& sql);
  statement(statement const&) = delete;
  statement& operator=(statement const&) = delete;
  ~statement();

  statement& bind(int index, std::int64_t number);
  /// The bytes are not copied, and must stay until the statement has run.
  statement& bind(int index, std::span<std::byte const> bytes);
  statement& bind(int index, std::string_view text) { return bind(index, std::as_bytes(std::span(text))); }
  /// Goes to the next row; false if there is none, after which it can be run again.
  bool next();
  void run() {
    while (next()) {}
  }
  /// Ends it before its last row.
  void reset() noexcept;

  std::int64_t number(int column) const { return of_.library_.column_int64(handle_, column); }
  std::span<std::byte const> bytes(int column) const;

 private:
  sqlite_database& of_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace procx::inline v1::detail
