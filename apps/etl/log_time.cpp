#include "log_time.hpp"

#include <array>
#include <chrono>
#include <cstring>

namespace etl {
namespace {

/// The number that these digits say; -1 if one is no digit.
int number(std::string_view digits) {
  int value = 0;
  for (char const c : digits) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// 1 to 12; 0 if it is no month.
unsigned month(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < names.size(); ++i)
    if (names[i] == name) return i + 1;
  return 0;
}

/// Seconds east of Greenwich.
std::optional<int> offset(std::string_view zone) {
  int const hours = number(zone.substr(1, 2)), minutes = number(zone.substr(3, 2));
  if ((zone[0] != '+' && zone[0] != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  int const all = (hours * 60 + minutes) * 60;
  return zone[0] == '-' ? -all : all;
}

}  // namespace

bool log_time::is_known(std::string_view text) const {
  return std::memcmp(text.data(), known_, minute_size) == 0 &&
         std::memcmp(text.data() + zone_at, known_ + minute_size, zone_size) == 0;
}

std::optional<epoch_seconds> log_time::read_minute(std::string_view text) {
  using namespace std::chrono;
  int const hour = number(text.substr(12, 2)), minute = number(text.substr(15, 2)), in_year = number(text.substr(7, 4));
  int const in_month = number(text.substr(0, 2));
  bool const has_marks = text[2] == '/' && text[6] == '/' && text[11] == ':' && text[14] == ':' && text[20] == ' ';
  if (!has_marks || hour < 0 || hour > 23 || minute < 0 || minute > 59 || in_year < 1970 || in_month < 1) return std::nullopt;
  year_month_day const date{year(in_year), std::chrono::month(month(text.substr(3, 3))), day(static_cast<unsigned>(in_month))};
  auto const zone = offset(text.substr(21, 5));
  if (!date.ok() || !zone) return std::nullopt;
  epoch_seconds const time = (sys_days(date) + hours(hour) + minutes(minute)).time_since_epoch() / std::chrono::seconds(1) - *zone;
  return time < 0 ? std::nullopt : std::optional(time);
}

std::optional<epoch_seconds> log_time::read(std::string_view text) {
  if (text.size() < size) return std::nullopt;
  int const second = number(text.substr(18, 2));
  if (text[17] != ':' || second < 0 || second > 60) return std::nullopt;
  if (!is_known(text)) {
    auto const minute = read_minute(text);
    if (!minute) return std::nullopt;
    minute_ = *minute;
    std::memcpy(known_, text.data(), minute_size);
    std::memcpy(known_ + minute_size, text.data() + zone_at, zone_size);
  }
  return minute_ + second;
}

}  // namespace etl
