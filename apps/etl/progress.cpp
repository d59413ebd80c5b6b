#include "progress.hpp"

#include "console/display.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etl {

void progress::add(std::uint64_t weight, std::uint64_t bytes, std::uint64_t lines, std::uint64_t flawed) {
  done_ += weight;
  bytes_ += bytes;
  lines_ += lines;
  flawed_ += flawed;
  if (!quiet_ && line_.due()) line_.draw(line());
}

std::string progress::line() const {
  std::chrono::duration<double> const elapsed = clock::now() - started_;
  auto const rate = static_cast<std::int64_t>(static_cast<double>(bytes_) / std::max(elapsed.count(), 1e-3));
  std::string text = fmt::format("{} lines  {}/s", console::shown_count(static_cast<std::int64_t>(lines_)), console::shown_bytes(rate));
  if (flawed_ > 0) text += fmt::format("  {} invalid", console::shown_count(static_cast<std::int64_t>(flawed_)));
  if (all_ == 0) return text;
  double const share = std::clamp(static_cast<double>(done_) / static_cast<double>(all_), 0.0, 1.0);
  if (share > 0) text += fmt::format("  {} left", console::shown_time(elapsed * (1 - share) / share));
  text = fmt::format("{:3.0f} %  ", 100 * share) + text;
  return line_.with_bar(share, text);
}

}  // namespace etl
