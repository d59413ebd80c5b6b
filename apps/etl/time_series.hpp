#pragma once

#include "digest.hpp"
#include "json.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <vector>

namespace etl {

/// The requests over time, in at most `most_points` steps of one length.
struct series {
  struct point {
    period_row row;  ///< all zeros where there were no requests
    std::uint64_t timed = 0, p50 = 0, p90 = 0, p99 = 0;
  };
  static constexpr epoch_seconds most_points = 1500;

  epoch_seconds begin = 0, end = 0;  ///< of the first and behind the last minute that has requests
  epoch_seconds step = 60;
  std::vector<point> points;
  period_row sum;
  histogram durations;  ///< of all
};

series read_series(SQLite::Database& database);
void write_series(json_writer& out, series const& all);

}  // namespace etl
