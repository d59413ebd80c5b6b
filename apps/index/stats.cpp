#include "inspect.hpp"

#include "console.hpp"
#include "files.hpp"
#include "index_file.hpp"
#include "tally.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

namespace indexer {
namespace {

std::string of_roots(SQLite::Database& database) {
  std::string out;
  SQLite::Statement roots(database, "SELECT path FROM roots ORDER BY path");
  while (roots.executeStep()) out += fmt::format("directory  {}\n", shown_path(roots.getColumn(0).getString()));
  return out;
}

std::string of_files(SQLite::Database& database) {
  std::string out;
  SQLite::Statement kinds(database,
                          "SELECT fate, count(*), sum(bytes), sum(lines) FROM files GROUP BY fate ORDER BY fate");
  while (kinds.executeStep()) {
    auto const kind = static_cast<fate>(kinds.getColumn(0).getInt());
    out += fmt::format("{:<10} {}", name(kind), shown_plural(kinds.getColumn(1).getInt64(), "file"));
    if (kind == fate::indexed)
      out += fmt::format(", {}, {}", shown_bytes(kinds.getColumn(2).getInt64()),
                         shown_plural(kinds.getColumn(3).getInt64(), "line"));
    out += '\n';
  }
  return out;
}

std::string of_shards(SQLite::Database& database) {
  SQLite::Statement all(database, R"(
    SELECT count(*), coalesce(sum(words), 0), coalesce(sum(documents), 0),
           (SELECT count(*) FROM files WHERE fate = 0),
           (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)
    FROM shards)");
  all.executeStep();
  auto const number = [&](int column) { return all.getColumn(column).getInt64(); };
  return fmt::format("words      {}, in {}, {} out of date\nsize       {}\n", shown_count(number(1)),
                     shown_plural(number(0), "shard"), shown_plural(number(2) - number(3), "document"),
                     shown_bytes(number(4)));
}

std::string of_skipped(SQLite::Database& database) {
  std::string out;
  SQLite::Statement rows(database, "SELECT path, fate, reason, bytes FROM files WHERE fate <> 0 ORDER BY path");
  while (rows.executeStep()) {
    known_file file;
    file.path = rows.getColumn(0).getString();
    file.fate = static_cast<fate>(rows.getColumn(1).getInt());
    file.reason = rows.getColumn(2).getString();
    file.stamp.bytes = rows.getColumn(3).getInt64();
    out += describe_skipped(file) + '\n';
  }
  return out;
}

}  // namespace

int stats(std::string const& index, bool skipped) {
  SQLite::Database database = open_to_search(index);
  std::string out = of_roots(database) + of_files(database) + of_shards(database);
  if (skipped) out += of_skipped(database);
  print(out);
  return done;
}

}  // namespace indexer
