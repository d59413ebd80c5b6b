#pragma once

#include "digest.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace etl {

/// Joins pieces of visits, of one chunk after the other: see visits.hpp. Visits that can no longer go on are over, and given to the database.
///
/// A visit is over when its visitor begins another, or when the log has come so far that a request of its would be later than all
/// others by more than half an hour. Those that are open are kept in memory and in the database: they go on in the next run.
class sessions {
 public:
  /// Goes on with the open visits of the database.
  explicit sessions(SQLite::Database& database);

  void add(digest const& counts);
  /// How many visits wait for `save`.
  std::size_t waiting() const { return over_.size() + changed_; }
  /// Within the caller's transaction.
  void save();

  static void create_tables(SQLite::Database& database);

 private:
  struct visit {
    epoch_seconds first = 0, last = 0;
    std::uint64_t requests = 0, bytes = 0, pages = 0;
    bool robot = false;
    bool stored = false, changed = false;
    std::string entry, exit;
  };

  void join(visit& with, visit_piece const& piece, digest const& counts);
  void end(std::uint64_t visitor, visit const& which);
  void end_old(epoch_seconds now);

  std::unordered_map<std::uint64_t, visit> open_;
  std::vector<visit> over_;
  std::vector<std::uint64_t> gone_;  ///< visitors that are in the database's table of open visits and have none now
  std::size_t changed_ = 0;
  epoch_seconds looked_ = 0;
  SQLite::Statement add_, keep_, forget_, keep_look_;
};

}  // namespace etl
