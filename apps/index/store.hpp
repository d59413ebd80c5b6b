#pragma once

#include "files.hpp"
#include "fts5_format.hpp"
#include "shard.hpp"

#include "tables/bulk_insert.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace indexer {

using tables::bulk_insert;
using tables::cell;

/// The documents that were built together.
struct shard_row {
  std::int64_t id = 0;      ///< also the number of its segment
  std::int64_t first = 0;   ///< its documents' ids lie from here
  std::int64_t last = 0;    ///< to here
  std::int64_t documents = 0;
  std::int64_t words = 0;
  std::int64_t weight = 0;  ///< of all its documents, whether they are out of date or not
};

/// The index while it is built. What is written between two commits is there as a whole or not at all.
///
/// One object at a time may write an index: see writer_lock. Members throw SQLite::Exception, and after that the object is
/// of no use; what was not committed has not happened then.
class store {
 public:
  /// Throws failure as open_to_build does.
  explicit store(std::string const& path);

  std::vector<known_file> files();  ///< in the order of their paths
  std::vector<shard_row> const& shards() const { return shards_; }
  std::int64_t next_id();           ///< no row has this id or a higher one

  /// Writes nothing if they are these already.
  void set_roots(std::vector<std::string> const& roots);
  void put(std::vector<known_file> const& files);
  void forget(std::int64_t id);
  /// Takes over the words of a shard whose documents have ids between `first` and `last`. Returns its number. Throws
  /// failure if the index has as many shards as it can have.
  std::int64_t add(shard const& words, std::int64_t first, std::int64_t last, std::int64_t weight);
  /// Removes the shards that have no document in `files` any more.
  void drop_dead_shards();

  void commit(std::int64_t next_id);
  /// Whether anything waits for commit().
  bool dirty() const { return in_transaction_; }

 private:
  void begin();
  std::vector<shard_row>::iterator first_gap();
  void drop(shard_row const& shard);
  void write_record(std::int64_t row, std::string const& bytes);

  struct stored_page {
    std::int64_t id = 0;
    std::string_view bytes;
  };
  struct stored_term {
    std::int64_t shard = 0;
    std::string_view term;
    std::int64_t page = 0;
  };
  using stored_size = std::pair<std::int64_t, std::string>;

  static std::vector<stored_page> pages_of(shard const& words, std::int64_t id);
  static std::vector<stored_term> terms_of(shard const& words, std::int64_t id);
  static void read(known_file const& file, int column, cell out);
  static void read(stored_page const& page, int column, cell out);
  static void read(stored_term const& term, int column, cell out);
  static void read(stored_size const& size, int column, cell out);

  SQLite::Database database_;
  bulk_insert<known_file> put_files_;
  bulk_insert<stored_page> put_pages_;
  bulk_insert<stored_term> put_terms_;
  bulk_insert<stored_size> put_sizes_;
  std::vector<shard_row> shards_;      // by their ids
  fts5::structure structure_;          // of the full-text table; written at the commit
  fts5::averages averages_;            // likewise
  bool was_empty_ = true;              // before anything was added
  bool in_transaction_ = false;
};

}  // namespace indexer
