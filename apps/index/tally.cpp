#include "tally.hpp"

#include "console.hpp"

#include <fmt/format.h>

namespace indexer {

constexpr std::int64_t named_of_a_kind = 10;

std::string describe_skipped(known_file const& file) {
  std::string const size = file.fate == fate::too_large ? " (" + shown_bytes(file.stamp.bytes) + ')' : "";
  std::string const reason = file.reason.empty() ? "" : ": " + shown_line(file.reason, 0, 200);
  return fmt::format("{}: {}{}{}", name(file.fate), shown_path(file.path), size, reason);
}

void tally::add(known_file const& file) {
  std::int64_t const so_far = ++counts_[static_cast<std::size_t>(file.fate)];
  if (file.fate == fate::indexed) {
    bytes_ += file.stamp.bytes;
    lines_ += file.lines;
  } else if (so_far <= named_of_a_kind) {
    out_.say(describe_skipped(file));
  } else {
    named_all_ = false;
  }
}

std::string tally::skipped() const {
  std::string out;
  for (fate f : {fate::binary, fate::unreadable, fate::too_large, fate::failed, fate::vanished})
    if (count(f) > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", shown_count(count(f)), name(f));
  if (std::int64_t const n = count(fate::closed)) {
    if (!out.empty()) out += ", ";
    out += shown_count(n) + (n == 1 ? " closed directory" : " closed directories");
  }
  return out;
}

}  // namespace indexer
