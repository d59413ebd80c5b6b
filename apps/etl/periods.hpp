#pragma once

#include "digest.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

namespace etl {

/// A table of the requests of each minute, or each hour. Adds to what it has.
class periods {
 public:
  /// A length of 60 seconds, or 3,600.
  periods(SQLite::Database& database, std::string const& table, epoch_seconds length);

  void add(period_row const& minute, std::span<histogram::entry const> durations);
  std::size_t waiting() const { return waiting_.size(); }
  /// Within the caller's transaction.
  void save();

  static void create_table(SQLite::Database& database, std::string const& table);

 private:
  struct sums {
    period_row row;
    histogram durations;
  };
  void save(epoch_seconds begin, sums& period);

  epoch_seconds length_;
  std::unordered_map<epoch_seconds, sums> waiting_;
  SQLite::Statement find_, put_;
};

}  // namespace etl
