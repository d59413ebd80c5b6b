#include "report_data.hpp"

#include "json.hpp"
#include "time_series.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace etl {
namespace {

constexpr int shown_rows = 50;

std::int64_t number(SQLite::Database& database, std::string const& query) {
  return database.execAndGet(query).getInt64();
}

/// The rows of a query, as an array of arrays.
void rows(json_writer& out, std::string_view name, SQLite::Database& database, std::string const& query) {
  out.name(name).begin_array();
  SQLite::Statement all(database, query);
  while (all.executeStep()) {
    out.begin_array();
    for (int i = 0; i < all.getColumnCount(); ++i) {
      auto const column = all.getColumn(i);
      if (column.isInteger())
        out.value(column.getInt64());
      else if (column.isNull())
        out.null();
      else
        out.value(std::string_view(column.getText(), static_cast<std::size_t>(column.getBytes())));
    }
    out.end_array();
  }
  out.end_array();
}

void totals(json_writer& out, SQLite::Database& database, series const& all) {
  std::int64_t const invalid = number(database, "SELECT coalesce(sum(lines), 0) FROM invalid");
  out.name("totals").begin_object();
  out.member("requests", all.sum.requests);
  out.member("client_errors", all.sum.client_errors);
  out.member("server_errors", all.sum.server_errors);
  out.member("robots", all.sum.robots);
  out.member("bytes", all.sum.bytes);
  out.member("views", number(database, "SELECT coalesce(sum(pages), 0) FROM all_sessions"));
  out.member("lines", number(database, "SELECT coalesce(sum(requests), 0) FROM statuses") + invalid);
  out.member("invalid", invalid);
  out.member("timed", all.durations.count());
  out.member("p50", all.durations.quantile(0.5));
  out.member("p90", all.durations.quantile(0.9));
  out.member("p99", all.durations.quantile(0.99));
  out.end_object();
}

void sessions(json_writer& out, SQLite::Database& database) {
  std::int64_t const people = number(database, "SELECT count(*) FROM all_sessions WHERE robot = 0");
  out.name("sessions").begin_object();
  out.member("people", people);
  out.member("robots", number(database, "SELECT count(*) FROM all_sessions WHERE robot = 1"));
  out.member("pages_per_visit",
             database.execAndGet("SELECT coalesce(avg(pages), 0) FROM all_sessions WHERE robot = 0").getDouble());
  out.member("median_seconds", people == 0 ? 0 : number(database, fmt::format(
      "SELECT seconds FROM all_sessions WHERE robot = 0 ORDER BY seconds LIMIT 1 OFFSET {}", (people - 1) / 2)));
  rows(out, "lengths", database, R"(
    SELECT CASE bucket WHEN 0 THEN 'a moment' WHEN 1 THEN 'under 10 s' WHEN 2 THEN 'under 30 s' WHEN 3 THEN 'under 1 min'
                       WHEN 4 THEN 'under 3 min' WHEN 5 THEN 'under 10 min' WHEN 6 THEN 'under 30 min' ELSE 'longer' END, count(*)
    FROM (SELECT CASE WHEN seconds = 0 THEN 0 WHEN seconds < 10 THEN 1 WHEN seconds < 30 THEN 2 WHEN seconds < 60 THEN 3
                      WHEN seconds < 180 THEN 4 WHEN seconds < 600 THEN 5 WHEN seconds < 1800 THEN 6 ELSE 7 END AS bucket
          FROM all_sessions WHERE robot = 0)
    GROUP BY bucket ORDER BY bucket)");
  for (char const* const end : {"entry", "exit"})
    rows(out, end == std::string_view("entry") ? "entries" : "exits", database,
         fmt::format("SELECT {0}, count(*) FROM all_sessions WHERE robot = 0 AND {0} IS NOT NULL "
                     "GROUP BY {0} ORDER BY 2 DESC, 1 LIMIT {1}", end, shown_rows));
  out.end_object();
}

void top_lists(json_writer& out, SQLite::Database& database) {
  rows(out, "pages", database,
       fmt::format("SELECT path, views, bytes FROM pages ORDER BY views DESC, path LIMIT {}", shown_rows));
  rows(out, "errors", database,
       fmt::format("SELECT path, errors, server_errors FROM error_paths ORDER BY errors DESC, path LIMIT {}", shown_rows));
  rows(out, "slow", database,
       fmt::format("SELECT path, duration_us, requests, longest_us FROM slow_paths ORDER BY duration_us DESC, path LIMIT {}", shown_rows));
  rows(out, "referrers", database,
       fmt::format("SELECT referrer, views FROM referrers ORDER BY views DESC, referrer LIMIT {}", shown_rows));
  rows(out, "agents", database,
       fmt::format("SELECT agent, requests, bytes, robot FROM agents ORDER BY requests DESC, agent LIMIT {}", shown_rows));
  rows(out, "statuses", database, "SELECT status, requests, bytes FROM statuses ORDER BY requests DESC, status");
  // What the first rows of a list may be too heavy by: nothing, as long as none was ever dropped.
  out.name("bounds").begin_object();
  SQLite::Statement floors(database, "SELECT name, floor FROM top_lists");
  while (floors.executeStep()) out.member(floors.getColumn(0).getString(), floors.getColumn(1).getInt64());
  out.end_object();
}

}  // namespace

std::string report_data(SQLite::Database& database, std::string const& title) {
  SQLite::Transaction const moment(database);
  series const all = read_series(database);
  json_writer out;
  out.begin_object();
  out.member("title", title);
  out.member("made", static_cast<std::int64_t>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  out.member("from", all.begin);
  out.member("to", all.end);
  out.member("step", all.step);
  out.member("files", number(database, "SELECT count(*) FROM files"));
  totals(out, database, all);
  write_series(out, all);
  sessions(out, database);
  top_lists(out, database);
  rows(out, "invalid", database, "SELECT reason, lines, first_file, first_line FROM invalid ORDER BY lines DESC, reason");
  rows(out, "problems", database, "SELECT name, problem FROM files WHERE problem <> '' ORDER BY id DESC LIMIT 20");
  out.end_object();
  return out.text();
}

}  // namespace etl
