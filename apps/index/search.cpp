#include "search.hpp"

#include "console.hpp"
#include "file_reader.hpp"
#include "index_file.hpp"
#include "query.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <limits>
#include <string>
#include <vector>

namespace indexer {
namespace {

constexpr std::int64_t most_files_looked_into = 5000;
constexpr std::size_t line_width = 160;

struct candidate {
  std::string path;
  indexer::stamp stamp;
};

/// Files that match, the best first. The index is closed when this returns: who does not read on holds up no build.
std::vector<candidate> find(std::string const& index, std::string const& expression, std::int64_t limit) {
  SQLite::Database database = open_to_search(index);
  SQLite::Statement rows(database,
                         "SELECT path, mtime_ns, ctime_ns, bytes, inode FROM text JOIN files ON files.id = text.rowid "
                         "WHERE text MATCH ? ORDER BY rank, path LIMIT ?");
  rows.bindNoCopy(1, expression);
  rows.bind(2, limit);
  std::vector<candidate> found;
  auto const number = [&](int column) { return rows.getColumn(column).getInt64(); };
  while (rows.executeStep())
    found.push_back({rows.getColumn(0).getString(), {number(1), number(2), number(3), number(4)}});
  return found;
}

/// The line to be printed for a file; empty if a look into it shows that it does not match.
std::string present(query const& wanted, std::string const& path, stamp const& indexed) {
  std::string text;
  reading const now = file_reader({path.c_str()}, std::numeric_limits<std::int32_t>::max()).next(text);
  std::string const shown = shown_path(path);
  if (now.fate == fate::vanished) return fmt::format("{}: (gone since it was indexed)\n", shown);
  if (now.fate != fate::indexed) return fmt::format("{}: ({} now)\n", shown, name(now.fate));

  bool const changed = !now.stamp.agrees_with(indexed);
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
  std::int64_t const most = wanted.needs_text() ? most_files_looked_into : options.limit;
  std::string out;
  std::int64_t shown = 0, looked_into = 0;
  for (candidate const& c : find(options.index, wanted.expression(), most)) {
    if (shown == options.limit) break;
    ++looked_into;
    std::string const line = present(wanted, c.path, c.stamp);
    if (!line.empty()) ++shown;
    out += line;
  }
  print(out);
  if (wanted.needs_text() && looked_into == most && shown < options.limit)
    print_error(fmt::format("only the best {} files with these words were looked into\n", shown_count(most)));
  return shown > 0 ? done : not_all;
} catch (SQLite::Exception const& e) {
  if (options.expression && e.getErrorCode() == SQLITE_ERROR) throw failure(e.what());
  throw;
}

}  // namespace indexer
