#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace etl {

/// Seconds since 1970 in UTC.
using epoch_seconds = std::int64_t;

/// Reads the times of access logs, "10/Oct/2000:13:55:36 -0700". Keeps the last minute it has read: most lines are of the same one.
class log_time {
 public:
  /// The number of bytes that a time has, without its brackets.
  static constexpr std::size_t size = 26;

  /// The time at the front of the text, or none if that is no time of the years 1970 to 9999.
  std::optional<epoch_seconds> read(std::string_view text);

 private:
  static constexpr std::size_t minute_size = 17;  // "10/Oct/2000:13:55"
  static constexpr std::size_t zone_at = 20, zone_size = 6;

  bool is_known(std::string_view text) const;
  std::optional<epoch_seconds> read_minute(std::string_view text);

  char known_[minute_size + zone_size] = {};
  epoch_seconds minute_ = 0;
};

}  // namespace etl
