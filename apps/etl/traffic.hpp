#pragma once

#include "log_line.hpp"
#include "random.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace etl {

struct traffic_options {
  std::uint64_t seed = 1;
  epoch_seconds begin = 0;
  double per_second = 50;       ///< requests, on average; more by day than by night
  double flawed = 0.0001;       ///< share of lines that no log should have
  bool combined = true;         ///< with referrer and agent
  time_field duration = time_field::seconds;  ///< or microseconds, or none
};

/// The access log of a made-up web site: people who come, look at some pages with what belongs to them, and go; robots; scanners; a bad
/// quarter of an hour now and then; summer time.
class traffic {
 public:
  explicit traffic(traffic_options const& options);

  /// Appends one line with its line feed.
  void add_line(std::string& to);

 private:
  struct visitor {
    std::string address;
    std::string_view agent;
    std::string referrer;
    std::size_t page = 0;
    std::uint32_t parts = 0;  ///< of the page that are still to come
    bool begun = false, knows_parts = false;
  };
  struct request {
    std::string_view address, agent, method = "GET", path, referrer = "-";
    std::string query;
    unsigned status = 200;
    std::uint64_t bytes = 0;
    double duration = 0;  ///< in seconds
  };

  void make_site();
  std::string new_address();
  void arrive(visitor& who);
  void of_person(std::string& to);
  void of_robot(std::string& to);
  void of_scanner(std::string& to);
  void flawed_line(std::string& to);
  void advance();
  bool is_bad_time() const;
  void finish(request& r, double typical);
  void write(std::string& to, request const& r) const;
  void write_time(std::string& to, double time) const;

  traffic_options options_;
  random_numbers random_;
  double now_;
  std::vector<std::string> pages_;
  std::vector<double> page_times_;  ///< in seconds
  zipf_numbers popularity_;
  std::vector<visitor> present_;
  std::deque<visitor> gone_;
};

}  // namespace etl
