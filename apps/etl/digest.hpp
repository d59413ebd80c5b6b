#pragma once

#include "histogram.hpp"
#include "log_line.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace etl {

// What the lines of a chunk come to. All of it can be added to what other chunks came to. The rows have no holes and no pointers, so that
// they go from process to process as they lie in memory; their texts are in one string.

struct text_place {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

/// The requests of a minute or an hour.
struct period_row {
  epoch_seconds begin = 0;
  std::uint64_t requests = 0;
  std::uint64_t client_errors = 0;  ///< status 400 to 499
  std::uint64_t server_errors = 0;  ///< status 500 to 599
  std::uint64_t robots = 0;         ///< requests of agents that say so
  std::uint64_t bytes = 0;
  std::uint64_t duration = 0;  ///< sum of all known, in microseconds
  std::uint64_t first_entry = 0, entries = 0;  ///< its histogram of durations in `digest::durations`
};

struct status_row {
  std::uint64_t status = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
};

struct path_row {
  text_place path;
  std::uint64_t views = 0;       ///< page views of people
  std::uint64_t view_bytes = 0;  ///< that these got
  std::uint64_t errors = 0;      ///< status 400 to 599
  std::uint64_t server_errors = 0;
  std::uint64_t timed = 0;       ///< requests of which the duration is known
  std::uint64_t duration = 0;    ///< sum, in microseconds
  std::uint64_t longest = 0;     ///< in microseconds
};

struct referrer_row {
  text_place referrer;
  std::uint64_t views = 0;  ///< page views of people that came from there
};

struct agent_row {
  text_place agent;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::uint64_t robot = 0;  ///< 1 if it is a robot's
};

/// Requests of one visitor, none of which begins a new visit after the one before it: see visits.hpp.
struct visit_piece {
  std::uint64_t visitor = 0;
  epoch_seconds begun = 0;           ///< time of the line that came first
  epoch_seconds first = 0, last = 0;  ///< least and greatest time
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::uint32_t pages = 0;
  std::uint32_t robot = 0;            ///< 1 if it has asked for /robots.txt
  std::uint32_t entry = 0, exit = 0;  ///< first and last page, as a number in `digest::paths` from 1; 0: none
};

struct flawed_line {
  std::uint64_t line = 0;    ///< number in the chunk, from 0
  std::uint64_t offset = 0;  ///< in the chunk
  text_place text;
  flaw why = flaw::none;
  std::uint32_t padding = 0;
};

template <class... Rows>
constexpr bool have_no_holes = (std::has_unique_object_representations_v<Rows> && ...);
static_assert(have_no_holes<period_row, status_row, path_row, referrer_row, agent_row, visit_piece, flawed_line, histogram::entry>);

struct digest {
  std::uint64_t lines = 0;     ///< that are counted or set aside
  std::uint64_t requests = 0;  ///< lines that are counted
  std::uint64_t bytes = 0;     ///< of the input, from the chunk's beginning to the end of its last line
  epoch_seconds time = 0;      ///< the lesser of the first line's and the last line's time; 0 if none has one
  std::vector<period_row> minutes;
  std::vector<histogram::entry> durations;
  std::vector<status_row> statuses;
  std::vector<path_row> paths;
  std::vector<referrer_row> referrers;
  std::vector<agent_row> agents;
  std::vector<visit_piece> visits;
  std::vector<flawed_line> flawed;
  std::string text;

  std::string_view text_of(text_place place) const { return std::string_view(text).substr(place.at, place.size); }
};

}  // namespace etl
