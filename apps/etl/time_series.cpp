#include "time_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace etl {
namespace {

/// The shortest one that is easily said and gives few enough points.
epoch_seconds step_for(epoch_seconds span) {
  constexpr epoch_seconds minute = 60, hour = 3600, day = 24 * hour;
  constexpr std::array<epoch_seconds, 10> steps{minute,   5 * minute, 15 * minute, hour,    3 * hour,
                                                6 * hour, day,        7 * day,     28 * day, 364 * day};
  auto const fits = [&](epoch_seconds step) { return span / step < series::most_points - 1; };
  auto const at = std::ranges::find_if(steps, fits);
  return at == steps.end() ? span / (series::most_points - 1) : *at;
}

void set_quantiles(series::point& at, histogram const& durations) {
  at.timed = durations.count();
  at.p50 = durations.quantile(0.5);
  at.p90 = durations.quantile(0.9);
  at.p99 = durations.quantile(0.99);
}

}  // namespace

series read_series(SQLite::Database& database) {
  series all;
  SQLite::Statement span(database, "SELECT min(begin), max(begin) + 60 FROM minutes");
  if (!span.executeStep() || span.getColumn(0).isNull()) return all;
  all.begin = span.getColumn(0).getInt64();
  all.end = span.getColumn(1).getInt64();
  all.step = step_for(all.end - all.begin);
  epoch_seconds const first = all.begin - all.begin % all.step;
  all.points.resize(static_cast<std::size_t>((all.end - 1 - first) / all.step + 1));
  for (std::size_t i = 0; i < all.points.size(); ++i) all.points[i].row.begin = first + static_cast<epoch_seconds>(i) * all.step;

  SQLite::Statement rows(database, fmt::format("SELECT begin, requests, client_errors, server_errors, robots, bytes, durations "
                                               "FROM {} ORDER BY begin",
                                               all.step % 3600 == 0 ? "hours" : "minutes"));
  std::size_t place = 0;
  histogram durations;
  auto const finish = [&] {
    set_quantiles(all.points[place], durations);
    all.durations.add(durations);
    durations = {};
  };
  while (rows.executeStep()) {
    auto const at = static_cast<std::size_t>(std::max<epoch_seconds>(rows.getColumn(0).getInt64() - first, 0) / all.step);
    if (at != place) finish();
    place = at;
    for (period_row* const to : {&all.points.at(at).row, &all.sum}) {
      std::uint64_t* const sums[] = {&to->requests, &to->client_errors, &to->server_errors, &to->robots, &to->bytes};
      for (int i = 0; i < 5; ++i) *sums[i] += static_cast<std::uint64_t>(rows.getColumn(i + 1).getInt64());
    }
    auto const bytes = rows.getColumn(6);
    durations.add(histogram::of_bytes({static_cast<char const*>(bytes.getBlob()), static_cast<std::size_t>(bytes.getBytes())}));
  }
  finish();
  return all;
}

void write_series(json_writer& out, series const& all) {
  auto const column = [&](char const* name, auto value) {
    out.name(name).begin_array();
    for (series::point const& p : all.points) out.value(value(p));
    out.end_array();
  };
  auto const quantile = [&](char const* name, auto value) {
    out.name(name).begin_array();
    for (series::point const& p : all.points) {
      if (p.timed > 0 && value(p) > 0)
        out.value(value(p));
      else
        out.null();  // also because the scale is logarithmic
    }
    out.end_array();
  };
  out.name("series").begin_object();
  column("t", [](series::point const& p) { return p.row.begin; });
  column("requests", [](series::point const& p) { return p.row.requests; });
  column("robots", [](series::point const& p) { return p.row.robots; });
  column("client_errors", [](series::point const& p) { return p.row.client_errors; });
  column("server_errors", [](series::point const& p) { return p.row.server_errors; });
  column("bytes", [](series::point const& p) { return p.row.bytes; });
  quantile("p50", [](series::point const& p) { return p.p50; });
  quantile("p90", [](series::point const& p) { return p.p90; });
  quantile("p99", [](series::point const& p) { return p.p99; });
  out.end_object();
}

}  // namespace etl
