#include "log_line.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace etl {
namespace {

std::size_t find(std::string_view text, char c, std::size_t from = 0) {
  if (from >= text.size()) return text.npos;
  void const* const at = std::memchr(text.data() + from, c, text.size() - from);
  return at ? static_cast<std::size_t>(static_cast<char const*>(at) - text.data()) : text.npos;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<bool, 256> address_characters = [] {
  std::array<bool, 256> is{};
  for (char const c : std::string_view("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_%[]/"))
    is[static_cast<unsigned char>(c)] = true;
  return is;
}();

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         std::ranges::all_of(text, [](char c) { return address_characters[static_cast<unsigned char>(c)]; });
}

/// Whether an odd number of backslashes stands before this place.
bool is_escaped(std::string_view text, std::size_t at) {
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

/// Takes a text in quotes from the front, up to the first quote for which `ends`, given what follows it, is true.
template <class Ends>
bool take_quoted(std::string_view& rest, std::string_view& text, Ends ends) {
  if (rest.empty() || rest[0] != '"') return false;
  for (std::size_t at = find(rest, '"', 1); at != rest.npos; at = find(rest, '"', at + 1)) {
    if (is_escaped(rest, at) || !ends(rest.substr(at + 1))) continue;
    text = rest.substr(1, at - 1);
    rest.remove_prefix(at + 1);
    return true;
  }
  return false;
}

bool take_space(std::string_view& rest) {
  if (rest.empty() || rest[0] != ' ') return false;
  rest.remove_prefix(1);
  return true;
}

/// What may stand behind a request: a blank, and three digits or a dash.
bool is_status_next(std::string_view rest) {
  return rest.size() >= 2 && rest[0] == ' ' &&
         (rest[1] == '-' || (rest.size() >= 4 && is_digit(rest[1]) && is_digit(rest[2]) && is_digit(rest[3])));
}

bool take_status(std::string_view& rest, unsigned& status) {
  std::size_t const size = std::min(find(rest, ' '), rest.size());
  std::string_view const text = rest.substr(0, size);
  status = 0;
  if (text != "-") {
    if (text.size() != 3 || !std::ranges::all_of(text, is_digit)) return false;
    status = static_cast<unsigned>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  }
  rest.remove_prefix(size);
  return true;
}

bool take_bytes(std::string_view& rest, std::int64_t& bytes) {
  bytes = 0;
  std::size_t size = 0;
  if (rest.starts_with('-')) {
    size = 1;
  } else {
    for (; size < rest.size() && is_digit(rest[size]); ++size) {
      if (size == 15) return false;  // a petabyte: no response is so large
      bytes = bytes * 10 + (rest[size] - '0');
    }
  }
  if (size == 0 || (size < rest.size() && rest[size] != ' ')) return false;
  rest.remove_prefix(size);
  return true;
}

constexpr std::int64_t longest_duration = std::int64_t{366} * 86'400 * 1'000'000;

/// In microseconds; -1 if it is no number.
std::int64_t duration_of(std::string_view word, time_field kind) {
  if (auto const equals = find(word, '='); equals != word.npos) word.remove_prefix(equals + 1);
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') word = word.substr(1, word.size() - 2);
  std::int64_t whole = 0, fraction = 0, unit = 1'000'000;
  std::size_t at = 0;
  for (; at < word.size() && is_digit(word[at]) && at < 16; ++at) whole = whole * 10 + (word[at] - '0');
  if (at == 0) return -1;
  bool const decimal = at < word.size() && word[at] == '.';
  if (decimal)
    for (++at; at < word.size() && is_digit(word[at]); ++at)
      if (unit > 1) fraction += (word[at] - '0') * (unit /= 10);
  if (at != word.size()) return -1;
  if (kind == time_field::automatic) kind = decimal ? time_field::seconds : time_field::microseconds;
  std::int64_t const scale = kind == time_field::seconds ? 1'000'000 : kind == time_field::milliseconds ? 1'000 : 1;
  if (whole > longest_duration / scale) return -1;
  return whole * scale + fraction / (1'000'000 / scale);
}

std::int64_t find_duration(std::string_view rest, time_field kind) {
  while (!rest.empty()) {
    std::size_t const begin = rest.find_first_not_of(' ');
    if (begin == rest.npos) break;
    rest.remove_prefix(begin);
    std::size_t const end = std::min(find(rest, ' '), rest.size());
    std::int64_t const duration = duration_of(rest.substr(0, end), kind);
    if (duration >= 0) return duration;
    rest.remove_prefix(end);
  }
  return -1;
}

}  // namespace

char const* describe(flaw what) {
  static constexpr std::array<char const*, flaws> words{
      "no flaw",           "empty line",           "line too long",       "NUL bytes",
      "no client address", "no time in brackets",  "time not understood", "no request in quotes",
      "no status",         "no number of bytes",   "referrer without end", "agent without end"};
  return words[static_cast<std::size_t>(what)];
}

flaw line_reader::read(std::string_view line, log_line& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  flaw const found = read_fields(line, out);
  if (found != flaw::none && find(line, '\0') != line.npos) return flaw::nul;
  return found;
}

/// The user before the time may contain anything, brackets too.
flaw line_reader::read_time(std::string_view& rest, log_line& out) {
  flaw found = flaw::no_time;
  for (std::size_t at = find(rest, '['); at != rest.npos; at = find(rest, '[', at + 1)) {
    found = flaw::bad_time;
    std::string_view const text = rest.substr(at + 1);
    if (text.size() <= log_time::size || text[log_time::size] != ']') continue;
    auto const time = times_.read(text);
    if (!time) continue;
    out.time = *time;
    rest = text.substr(log_time::size + 1);
    return flaw::none;
  }
  return found;
}

flaw line_reader::read_fields(std::string_view line, log_line& out) {
  if (line.find_first_not_of(" \t") == line.npos) return flaw::empty;
  std::size_t const space = find(line, ' ');
  out.address = line.substr(0, space);
  if (space == line.npos || !is_address(out.address)) return flaw::address;
  std::string_view rest = line.substr(space);
  if (flaw const found = read_time(rest, out); found != flaw::none) return found;
  if (!take_space(rest) || !take_quoted(rest, out.request, is_status_next)) return flaw::request;
  if (!take_space(rest) || !take_status(rest, out.status)) return flaw::status;
  if (!take_space(rest) || !take_bytes(rest, out.bytes)) return flaw::bytes;

  out.referrer = out.agent = "-";
  if (rest.starts_with(" \"")) {
    rest.remove_prefix(1);
    auto const is_quote_next = [](std::string_view next) { return next.empty() || next.starts_with(" \""); };
    auto const is_end = [](std::string_view next) { return next.empty() || next[0] == ' '; };
    if (!take_quoted(rest, out.referrer, is_quote_next)) return flaw::referrer;
    if (take_space(rest) && !take_quoted(rest, out.agent, is_end)) return flaw::agent;
  }
  out.duration = rest.empty() || duration_ == time_field::none ? -1 : find_duration(rest, duration_);
  return flaw::none;
}

request_target target_of(std::string_view request) {
  std::size_t const method_end = find(request, ' ');
  if (method_end == request.npos || method_end == 0 || method_end > 20) return {};
  std::string_view const method = request.substr(0, method_end);
  if (!std::ranges::all_of(method, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; })) return {};
  std::string_view path = request.substr(method_end + 1);
  if (auto const version = path.rfind(" HTTP/"); version != path.npos) path = path.substr(0, version);
  if (path.starts_with("http://") || path.starts_with("https://")) {  // a proxy's request
    std::size_t const host = path.find("//") + 2;
    path.remove_prefix(std::min(find(path, '/', host), path.size()));
    if (path.empty()) path = "/";
  }
  path = path.substr(0, std::min({find(path, '?'), find(path, '#'), path.size()}));
  if (path.empty()) return {};
  return {method, path};
}

}  // namespace etl
