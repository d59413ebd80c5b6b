#include "inspect.hpp"

#include "console.hpp"
#include "fts5_format.hpp"
#include "index_file.hpp"
#include "shard.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace indexer {
namespace {

/// FNV-1a: small, and good enough to tell two indexes apart that differ by chance.
class checksum {
 public:
  void add(std::string_view bytes) {
    add_bytes(fmt::format("{}:", bytes.size()));
    add_bytes(bytes);
  }
  std::uint64_t value() const { return value_; }

 private:
  void add_bytes(std::string_view bytes) {
    for (char const c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::uint64_t value_ = 0xcbf29ce484222325;
};

std::uint64_t checksum_of_tables(SQLite::Database& database) {
  checksum sum;
  for (char const* rows : {"files ORDER BY id", "shards ORDER BY id", "state ORDER BY name", "roots ORDER BY path",
                           "text_data ORDER BY id", "text_idx ORDER BY segid, term", "text_docsize ORDER BY id",
                           "text_config ORDER BY k"}) {
    SQLite::Statement all(database, fmt::format("SELECT * FROM {}", rows));
    sum.add(rows);
    while (all.executeStep())
      for (int i = 0; i < all.getColumnCount(); ++i) sum.add(all.getColumn(i).getString());
  }
  return sum.value();
}

/// Questions whose answer is 0 in an index that is as it should be.
struct invariant {
  char const* broken;
  char const* count;
};
constexpr std::array invariants{
    invariant{"a path is there twice", "SELECT count(*) - count(DISTINCT path) FROM files"},
    invariant{"a document has no words stored",
              "SELECT count(*) FROM files WHERE fate = 0 AND id NOT IN (SELECT id FROM text_docsize)"},
    invariant{"a document is in no shard",
              "SELECT count(*) FROM files WHERE fate = 0 AND NOT EXISTS "
              "(SELECT 1 FROM shards WHERE shards.id = shard AND files.id BETWEEN first AND last)"},
    invariant{"the shards do not have the documents that the full-text table has",
              "SELECT (SELECT coalesce(sum(documents), 0) FROM shards) - (SELECT count(*) FROM text_docsize)"},
    invariant{"a file has a fate that there is not", "SELECT count(*) FROM files WHERE fate NOT BETWEEN 0 AND 5"},
    invariant{"the next id is not there", "SELECT count(*) <> 1 FROM state WHERE name = 'next_id'"},
    invariant{"an id was given that is not taken yet",
              "SELECT count(*) FROM files, state WHERE name = 'next_id' AND id >= value"},
};

/// Whether the full-text table says of itself what the shards say; what is wrong, or empty.
std::string compare_records(SQLite::Database& database) try {
  auto const structure = fts5::decode_structure(read_record(database, fts5::structure_row));
  std::set<std::int64_t> segments;
  for (fts5::segment const& s : structure.segments) segments.insert(s.id);
  std::set<std::int64_t> with_words;
  fts5::averages sum;
  SQLite::Statement shards(database, "SELECT id, documents, words FROM shards");
  while (shards.executeStep()) {
    auto const words = static_cast<std::uint64_t>(shards.getColumn(2).getInt64());
    sum.documents += static_cast<std::uint64_t>(shards.getColumn(1).getInt64());
    sum.words += words;
    if (words > 0) with_words.insert(shards.getColumn(0).getInt64());
  }
  if (segments != with_words) return "the full-text table does not have the segments of the shards";
  auto const averages = fts5::decode_averages(read_record(database, fts5::averages_row));
  bool const same = averages.documents == sum.documents && averages.words == sum.words;
  return same ? "" : "the full-text table counts other documents or words than the shards";
} catch (std::runtime_error const& e) {
  return fmt::format("the full-text table is damaged: {}", e.what());
}

void check_tables(SQLite::Database& database, std::string const& path) {
  auto const fail = [&](std::string const& what) { throw failure(fmt::format("{}: {}", shown_path(path), what)); };
  std::string const report = database.execAndGet("PRAGMA integrity_check").getString();
  if (report != "ok") fail(report);
  for (invariant const& i : invariants)
    if (database.execAndGet(i.count).getInt64() != 0) fail(i.broken);
  if (std::string const wrong = compare_records(database); !wrong.empty()) fail(wrong);
  try {
    database.exec("INSERT INTO text(text) VALUES('integrity-check')");
  } catch (SQLite::Exception const& e) {
    if (e.getErrorCode() != SQLITE_READONLY) fail(fmt::format("the full-text table is damaged: {}", e.what()));
  }
}

}  // namespace

int check(std::string const& index) {
  SQLite::Database database = open_to_search(index);
  check_tables(database, index);
  print(fmt::format("{:016x}  {}\n", checksum_of_tables(database), shown_path(index)));
  return done;
}

}  // namespace indexer
