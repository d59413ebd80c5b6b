#include "search.hpp"

#include "display.hpp"
#include "failure.hpp"
#include "file_reader.hpp"
#include "index_file.hpp"
#include "output.hpp"
#include "query.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <limits>

namespace indexer {
namespace {

constexpr std::int64_t most_files_opened = 5000;
constexpr std::size_t line_width = 160;

/// Files that match, the best first.
class matches {
 public:
  matches(SQLite::Database& database, std::string const& expression)
      : rows_(database,
              "SELECT path, mtime_ns, ctime_ns, bytes, inode FROM text JOIN files ON files.id = text.rowid "
              "WHERE text MATCH ? ORDER BY rank, path") {
    rows_.bindNoCopy(1, expression);
  }

  bool next(std::string& path, stamp& s) {
    if (!rows_.executeStep()) return false;
    path = rows_.getColumn(0).getString();
    s = {rows_.getColumn(1).getInt64(), rows_.getColumn(2).getInt64(), rows_.getColumn(3).getInt64(),
         rows_.getColumn(4).getInt64()};
    return true;
  }

 private:
  SQLite::Statement rows_;
};

/// The line to be printed for a file; empty if a look into it shows that it does not match.
std::string present(query const& wanted, std::string const& path, stamp const& indexed) {
  std::string text;
  reading const now = file_reader({path.c_str()}, std::numeric_limits<std::int32_t>::max()).next(text);
  std::string const shown = shown_path(path);
  if (now.fate == fate::vanished) return fmt::format("{}: (gone since it was indexed)\n", shown);
  if (now.fate != fate::indexed) return fmt::format("{}: ({} now)\n", shown, name(now.fate));

  bool const changed = now.stamp != indexed;
  if (!changed && wanted.needs_text() && !wanted.accepts(text)) return {};
  auto const place = wanted.best_line(text);
  char const* const remark = changed ? " (changed since it was indexed)" : "";
  if (place.line == 0) return fmt::format("{}:{}\n", shown, remark);
  return fmt::format("{}:{}: {}{}\n", shown, place.line, shown_line(place.text, place.column, line_width), remark);
}

}  // namespace

int search(search_options const& options) try {
  query const wanted = options.expression ? query::of_expression(fmt::format("{}", fmt::join(options.words, " ")))
                                          : query::of_words(options.words);
  SQLite::Database database = open_to_search(options.index);
  matches candidates(database, wanted.expression());
  std::string out, path;
  stamp indexed;
  std::int64_t shown = 0, opened = 0;
  while (shown < options.limit && opened < most_files_opened && candidates.next(path, indexed)) {
    ++opened;
    std::string const line = present(wanted, path, indexed);
    if (!line.empty()) ++shown;
    out += line;
  }
  print(out);
  return shown > 0 ? done : no_match;
} catch (SQLite::Exception const& e) {
  if (options.expression && e.getErrorCode() == SQLITE_ERROR) throw failure(e.what());
  throw;
}

}  // namespace indexer
