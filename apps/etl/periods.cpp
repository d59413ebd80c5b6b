#include "periods.hpp"

#include <fmt/format.h>

namespace etl {
namespace {

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

void periods::create_table(SQLite::Database& database, std::string const& table) {
  database.exec(fmt::format(R"(
    CREATE TABLE {}(begin INTEGER PRIMARY KEY, requests INTEGER NOT NULL, client_errors INTEGER NOT NULL,
                    server_errors INTEGER NOT NULL, robots INTEGER NOT NULL, bytes INTEGER NOT NULL, timed INTEGER NOT NULL,
                    duration_us INTEGER NOT NULL, p50_us INTEGER, p90_us INTEGER, p99_us INTEGER, durations BLOB);
  )", table));
}

periods::periods(SQLite::Database& database, std::string const& table, epoch_seconds length)
    : length_(length),
      find_(database, fmt::format("SELECT requests, client_errors, server_errors, robots, bytes, duration_us, durations "
                                  "FROM {} WHERE begin = ?", table)),
      put_(database, fmt::format("INSERT OR REPLACE INTO {} VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", table)) {}

void periods::add(period_row const& minute, std::span<histogram::entry const> durations) {
  sums& to = waiting_[minute.begin - minute.begin % length_];
  to.row.requests += minute.requests;
  to.row.client_errors += minute.client_errors;
  to.row.server_errors += minute.server_errors;
  to.row.robots += minute.robots;
  to.row.bytes += minute.bytes;
  to.row.duration += minute.duration;
  if (!durations.empty()) to.durations.add(durations);
}

void periods::save(epoch_seconds begin, sums& period) {
  find_.bind(1, begin);
  if (find_.executeStep()) {
    std::uint64_t* const to[] = {&period.row.requests, &period.row.client_errors, &period.row.server_errors,
                                 &period.row.robots,   &period.row.bytes,         &period.row.duration};
    for (int i = 0; i < 6; ++i) *to[i] += static_cast<std::uint64_t>(find_.getColumn(i).getInt64());
    auto const kept = find_.getColumn(6);
    period.durations.add(
        histogram::of_bytes({static_cast<char const*>(kept.getBlob()), static_cast<std::size_t>(kept.getBytes())}));
  }
  find_.reset();

  put_.bind(1, begin);
  period_row const& r = period.row;
  int at = 2;
  for (std::uint64_t const value : {r.requests, r.client_errors, r.server_errors, r.robots, r.bytes, period.durations.count(), r.duration})
    put_.bind(at++, number(value));
  for (double const share : {0.5, 0.9, 0.99}) {
    if (period.durations.count() > 0)
      put_.bind(at++, number(period.durations.quantile(share)));
    else
      put_.bind(at++);
  }
  std::string const bytes = period.durations.to_bytes();
  put_.bindNoCopy(at, bytes.data(), static_cast<int>(bytes.size()));
  put_.exec();
  put_.reset();
}

void periods::save() {
  for (auto& [begin, period] : waiting_) save(begin, period);
  waiting_.clear();
}

}  // namespace etl
