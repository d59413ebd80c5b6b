#pragma once

#include "digest.hpp"
#include "text_table.hpp"
#include "visits.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace etl {

/// A longer line is set aside, and of its text only the beginning is kept.
constexpr std::size_t longest_line = std::size_t{4} << 20;

/// Makes digests of chunks. Keeps its tables from one to the next, so that they are not made anew.
class digester {
 public:
  explicit digester(time_field duration) : reader_(duration) {}

  /// Whole lines, each with its line feed; the last one may have none.
  digest read(std::string_view lines);

 private:
  struct path_counts {
    std::uint64_t views = 0, view_bytes = 0, errors = 0, server_errors = 0, timed = 0, duration = 0, longest = 0;
    bool page = false, robots_txt = false, known = false;
  };
  struct referrer_counts {
    std::uint64_t views = 0;
  };
  struct agent_counts {
    std::uint64_t requests = 0, bytes = 0;
    bool robot = false;
  };
  struct status_counts {
    std::uint64_t requests = 0, bytes = 0;
  };

  void read_line(std::string_view line, std::string_view all);
  void count(log_line const& line);
  period_row& minute_of(epoch_seconds time);
  void set_aside(std::string_view line, std::uint64_t offset, flaw why);
  void finish();
  void finish_durations();
  void finish_texts();
  text_place add_text(std::string_view raw, std::size_t most);

  line_reader reader_;
  text_table<path_counts> paths_;
  text_table<referrer_counts> referrers_;
  text_table<agent_counts> agents_;
  std::array<status_counts, 1000> statuses_{};
  visit_pieces visits_;
  std::vector<std::uint64_t> durations_;  ///< each of a minute's number, in `digest::minutes`, and a bucket
  std::size_t minute_ = 0;                ///< number of the last one that was looked for
  epoch_seconds latest_minute_ = -1;
  epoch_seconds first_time_ = 0, last_time_ = 0;
  digest out_;
};

}  // namespace etl
