#pragma once

#include "digest.hpp"

#include "tables/bulk_insert.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
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
  static constexpr std::int64_t no_slot = -1;
  /// One for all visits that a chunk has with this page. Of one thread.
  using shared_text = boost::local_shared_ptr<std::string const>;
  struct visit {
    epoch_seconds first = 0, last = 0;
    std::uint64_t requests = 0, bytes = 0, pages = 0;
    bool robot = false;
    bool stored = false, changed = false;
    std::int64_t slot = no_slot;  ///< of `last`
    shared_text entry, exit;
  };
  struct open_visit {
    std::uint64_t visitor;
    visit const* what;
  };
  struct hash {
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t visitor) const noexcept { return visitor; }  // it is a hash
  };

  void join(visit& with, visit_piece const& piece, digest const& counts);
  shared_text const& page(std::uint32_t number, digest const& counts);
  static void read(visit const& of, int column, tables::cell out);
  static void read(open_visit const& of, int column, tables::cell out);
  void note_last(std::uint64_t visitor, visit& of);
  void end(std::uint64_t visitor, visit& which);
  void end_slot(std::int64_t slot, std::vector<std::uint64_t> const& visitors);
  void end_old(epoch_seconds now);

  boost::unordered_flat_map<std::uint64_t, visit, hash> open_;
  /// The visitors whose visits have come to each ten minutes of the log; those that have come further are there too.
  std::map<std::int64_t, std::vector<std::uint64_t>> slots_;
  std::vector<shared_text> pages_;  ///< of the chunk, by their numbers in `digest::paths`; made when they are asked for
  std::vector<visit> over_;
  std::vector<std::uint64_t> gone_;  ///< visitors that are in the database's table of open visits and have none now
  std::size_t changed_ = 0;
  tables::bulk_insert<visit> add_;
  tables::bulk_insert<open_visit> keep_;
  SQLite::Statement forget_;
};

}  // namespace etl
