#pragma once

#include "files.hpp"

#include <procx/memory/view.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace SQLite {
class Database;
}

namespace indexer {

/// What a worker is given: files to be indexed.
struct batch {
  std::int64_t first_id = 0;   ///< the row that the words of the first file get; those of the others get the next ones
  std::string paths;           ///< each with a NUL behind it
  std::int64_t max_bytes = 0;  ///< files beyond this size are not read

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & first_id & paths & max_bytes;
  }
};

/// What became of one file.
struct report {
  indexer::fate fate = fate::indexed;
  int error = 0;  ///< errno, for fate::unreadable
  indexer::stamp stamp;
  std::int64_t lines = 0;
};

/// A page of the full-text table.
struct page_row {
  std::int64_t row = 0;  ///< counted from the segment's first row
  std::int64_t size = 0;
};

/// What a worker gives back: a full-text table of one segment, as the rows of its shadow tables.
struct shard {
  std::int64_t first_id = 0;    ///< of the batch
  std::vector<report> reports;  ///< one for each file of the batch
  std::int64_t first_page = 0;  ///< of the segment; 0 if no file has a word
  std::int64_t last_page = 0;
  std::int64_t words = 0;
  std::vector<page_row> pages;
  procx::view<char> page_bytes;  ///< of all pages, one after the other; where it is received it lies in the message
  std::vector<std::pair<std::string, std::int64_t>> terms;  ///< the first term of a page and the page
  std::vector<std::pair<std::int64_t, std::string>> sizes;  ///< file and its number of words, as FTS5 stores it

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & first_id & reports & first_page & last_page & words & pages & page_bytes & terms & sizes;
  }
};

/// What takes texts apart for the full-text table. Any but a letter or digit ends a word, so `shared_ptr` is two words that
/// follow each other, and is found by either.
inline constexpr char const* text_tokenizer = "unicode61";

/// The columns and options of the full-text table, the same in shards and in the index.
inline constexpr char const* create_text_table =
    "CREATE VIRTUAL TABLE text USING fts5(body, content='', tokenize='unicode61');"
    "INSERT INTO text(text, rank) VALUES('pgsz', 16300)";

/// A row of the full-text table's data; empty if it is not there. Throws SQLite::Exception.
std::string read_record(SQLite::Database const& from, std::int64_t row);

/// The stage: reads the files, and makes a full-text table of those that are text.
///
/// What is wrong with a file is in its report. Throws when memory runs out, or SQLite::Exception. Uses as much memory as
/// the words of the batch take, about its bytes, and the largest file.
shard make_shard(batch const& work);

}  // namespace indexer
