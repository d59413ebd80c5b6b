#include "console/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace console {
namespace {

std::string escaped(std::string_view bytes) {
  std::string out;
  for (char const c : bytes) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      case '\\': out += "\\\\"; break;
      case '\'': out += "\\'"; break;
      default: out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::size_t character_length(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  std::size_t const length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  bool const overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  bool const outside = (byte(0) == 0xed && byte(1) >= 0xa0) || (byte(0) == 0xf4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : length;
}

bool is_control(std::string_view character) {
  auto const first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  if (character.size() == 2) return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  return (character >= "\u202a" && character <= "\u202e") || (character >= "\u2066" && character <= "\u2069") ||
         character == "\u2028" || character == "\u2029";
}

std::string shown_path(std::string_view path) {
  std::string out;
  bool plain = true;
  for (std::string_view rest = path; !rest.empty();) {
    std::size_t const length = character_length(rest);
    std::string_view const character = rest.substr(0, std::max<std::size_t>(length, 1));
    bool const printable = length > 0 && !is_control(character);
    plain = plain && printable;
    out += printable && character != "\\" && character != "'" ? std::string(character) : escaped(character);
    rest.remove_prefix(character.size());
  }
  return plain ? std::string(path) : fmt::format("$'{}'", out);
}

std::string shown_line(std::string_view line, std::size_t focus, std::size_t width) {
  std::size_t const indentation = std::min(line.find_first_not_of(" \t"), line.size());
  std::size_t from = indentation;
  if (focus > from + width * 2 / 3) from = focus - width / 3;
  while (from > indentation && from < line.size() && (line[from] & 0xc0) == 0x80) --from;
  std::string out = from > indentation ? "…" : "";
  std::size_t const end = std::min(line.size(), from + width);
  std::size_t at = from;
  while (at < end) {
    std::size_t const length = character_length(line.substr(at));
    std::string_view const character = line.substr(at, std::max<std::size_t>(length, 1));
    if (length == 0)
      out += '?';
    else if (is_control(character))
      out += ' ';
    else
      out += character;
    at += character.size();
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (at < line.size()) out += "…";
  return out;
}

std::string shown_count(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string shown_bytes(std::int64_t bytes) {
  auto amount = static_cast<double>(bytes);
  if (amount < 1e3) return fmt::format("{} B", bytes);
  if (amount < 1e6) return fmt::format("{:.1f} kB", amount / 1e3);
  if (amount < 1e9) return fmt::format("{:.1f} MB", amount / 1e6);
  if (amount < 1e12) return fmt::format("{:.1f} GB", amount / 1e9);
  return fmt::format("{:.1f} TB", amount / 1e12);
}

std::string shown_time(std::chrono::duration<double> time) {
  if (time.count() < 60) return fmt::format("{:.{}f} s", time.count(), time.count() < 10 ? 2 : 0);
  auto const seconds = static_cast<long>(std::lround(time.count()));
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string shown_plural(std::int64_t count, std::string_view one) {
  return fmt::format("{} {}{}", shown_count(count), one, count == 1 ? "" : "s");
}

}  // namespace console
