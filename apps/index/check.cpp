#include "inspect.hpp"

#include "display.hpp"
#include "failure.hpp"
#include "index_file.hpp"
#include "output.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstdint>
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
    invariant{"an id was given that is not taken yet",
              "SELECT count(*) FROM files, state WHERE name = 'next_id' AND id >= value"},
};

void check_tables(SQLite::Database& database, std::string const& path) {
  auto const fail = [&](std::string const& what) { throw failure(fmt::format("{}: {}", shown_path(path), what)); };
  std::string const report = database.execAndGet("PRAGMA integrity_check").getString();
  if (report != "ok") fail(report);
  for (invariant const& i : invariants)
    if (database.execAndGet(i.count).getInt64() != 0) fail(i.broken);
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
