#include "clean_text.hpp"

#include "console/display.hpp"

#include <algorithm>

namespace etl {
namespace {

bool is_plain(char c) { return c >= ' ' && c < '\x7f'; }

void append_escaped(std::string& to, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    to += "\\x";
    to += digits[byte / 16];
    to += digits[byte % 16];
  }
}

}  // namespace

std::size_t append_clean(std::string& to, std::string_view raw, std::size_t most) {
  std::size_t const before = to.size();
  bool const cut = raw.size() > most;
  std::string_view rest = raw;
  while (!rest.empty()) {
    std::size_t plain = 0;
    while (plain < rest.size() && plain < most && is_plain(rest[plain])) ++plain;
    to += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty() || to.size() - before >= most) break;
    std::size_t const length = console::character_length(rest);
    std::string_view const character = rest.substr(0, std::max<std::size_t>(length, 1));
    if (to.size() - before + 4 > most) break;
    if (length > 0 && !console::is_control(character))
      to += character;
    else
      append_escaped(to, character);
    rest.remove_prefix(character.size());
    if (to.size() - before >= most) break;
  }
  if (cut || !rest.empty()) to += "…";
  return to.size() - before;
}

}  // namespace etl
