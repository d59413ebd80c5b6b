#pragma once

#include "log_time.hpp"

#include <cstdint>
#include <string_view>

namespace etl {

/// Why a line is set aside.
enum class flaw : std::uint32_t { none, empty, too_long, nul, address, no_time, bad_time, request, status, bytes, referrer, agent };
constexpr unsigned flaws = 12;

/// In words, for people: "no time in brackets".
char const* describe(flaw what);

/// What the optional number at the end of a line is: how long the request took.
enum class time_field {
  automatic,  ///< with a decimal point seconds, otherwise microseconds
  none,
  seconds,
  milliseconds,
  microseconds,
};

/// One request, in the line's own bytes, escapes and all.
struct log_line {
  std::string_view address;
  std::string_view request;   ///< "GET / HTTP/1.1"; anything else that a client has sent
  std::string_view referrer;  ///< "-" if there is none
  std::string_view agent;     ///< likewise
  epoch_seconds time = 0;
  std::int64_t bytes = 0;
  std::int64_t duration = -1;  ///< in microseconds; -1 if the line does not say it
  unsigned status = 0;         ///< 0 if the server had none
};

/// Reads lines of access logs in the formats "common" and "combined", with or without a duration behind them:
///
///     address ident user [time] "request" status bytes
///     address ident user [time] "request" status bytes "referrer" "agent" duration
///
/// The duration is the first number behind the other fields; it may be in quotes or have a name, "rt=0.123". Quotes in a text may be
/// escaped by a backslash, and those that are not are understood where what follows shows that the text goes on.
class line_reader {
 public:
  explicit line_reader(time_field duration) : duration_(duration) {}

  /// Without its line feed. If the result is not `flaw::none`, what is in `out` has no meaning.
  flaw read(std::string_view line, log_line& out);

 private:
  flaw read_fields(std::string_view line, log_line& out);
  flaw read_time(std::string_view& rest, log_line& out);

  time_field duration_;
  log_time times_;
};

/// What was asked for. A request that is not HTTP has neither.
struct request_target {
  std::string_view method;
  std::string_view path;  ///< without query
};
request_target target_of(std::string_view request);

}  // namespace etl
