#pragma once

#include "top_list.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace etl {

/// Numbers that are kept beside a text in a top list: sums, but the greatest value where `Greatest` says so.
template <std::size_t N, std::size_t Greatest = N>
struct top_details {
  std::array<std::uint64_t, N> values{};

  top_details& operator+=(top_details const& other) {
    std::size_t i = 0;
    for (std::uint64_t const value : other.values) {
      values[i] = i == Greatest ? std::max(values[i], value) : values[i] + value;
      ++i;
    }
    return *this;
  }
};

/// A top list with its table in the database.
template <std::size_t N, std::size_t Greatest = N>
class top_table {
 public:
  using details = top_details<N, Greatest>;
  /// The columns: of the texts, of their weights, of what those may be too great by, and of the details.
  struct layout {
    std::string table, text, weight;
    std::array<std::string, N> details;
  };

  /// Goes on with the list of the database.
  top_table(SQLite::Database& database, layout const& names, std::size_t capacity)
      : list_(capacity),
        name_(names.table),
        put_(database, put_statement(names)),
        forget_(database, fmt::format("DELETE FROM {} WHERE {} = ?", names.table, names.text)),
        put_floor_(database, "INSERT OR REPLACE INTO top_lists VALUES(?, ?, ?)"),
        capacity_(capacity) {
    SQLite::Statement all(database, "SELECT " + columns(names) + " FROM " + names.table);
    while (all.executeStep()) {
      typename top_list<details>::entry e;
      auto const value = [&](int i) { return static_cast<std::uint64_t>(all.getColumn(i).getInt64()); };
      e.weight = value(1);
      e.excess = value(2);
      int at = 3;
      for (std::uint64_t& detail : e.details.values) detail = value(at++);
      list_.restore(all.getColumn(0).getString(), e);
    }
    SQLite::Statement floor(database, "SELECT floor FROM top_lists WHERE name = ?");
    floor.bind(1, names.table);
    if (floor.executeStep()) list_.restore_floor(static_cast<std::uint64_t>(floor.getColumn(0).getInt64()));
  }

  void add(std::string_view text, std::uint64_t weight, std::array<std::uint64_t, N> const& values) {
    list_.add(text, weight, {values});
  }

  /// Within the caller's transaction.
  void save() {
    auto const run = [](SQLite::Statement& statement) {
      statement.exec();
      statement.reset();
    };
    list_.take_changes(
        [&](std::string const& text, auto const& e) {
          put_.bindNoCopy(1, text);
          put_.bind(2, static_cast<std::int64_t>(e.weight));
          put_.bind(3, static_cast<std::int64_t>(e.excess));
          int at = 4;
          for (std::uint64_t const value : e.details.values) put_.bind(at++, static_cast<std::int64_t>(value));
          run(put_);
        },
        [&](std::string const& text) {
          forget_.bindNoCopy(1, text);
          run(forget_);
        });
    put_floor_.bindNoCopy(1, name_);
    put_floor_.bind(2, static_cast<std::int64_t>(capacity_));
    put_floor_.bind(3, static_cast<std::int64_t>(list_.floor()));
    run(put_floor_);
  }

  static void create(SQLite::Database& database, layout const& names) {
    std::string more;
    for (std::string const& d : names.details) more += ", " + d + " INTEGER NOT NULL";
    database.exec(fmt::format("CREATE TABLE {}({} TEXT PRIMARY KEY, {} INTEGER NOT NULL, excess INTEGER NOT NULL{}) WITHOUT ROWID",
                              names.table, names.text, names.weight, more));
  }

 private:
  static std::string columns(layout const& names) {
    std::string all = names.text + ", " + names.weight + ", excess";
    for (std::string const& d : names.details) all += ", " + d;
    return all;
  }
  static std::string put_statement(layout const& names) {
    std::string places = "?,?,?";
    for (auto left = names.details.size(); left > 0; --left) places += ",?";
    return fmt::format("INSERT OR REPLACE INTO {}({}) VALUES({})", names.table, columns(names), places);
  }

  top_list<details> list_;
  std::string name_;
  SQLite::Statement put_, forget_, put_floor_;
  std::size_t capacity_;
};

}  // namespace etl
