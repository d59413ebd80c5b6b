#include "progress.hpp"

#include "display.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

namespace indexer {
namespace {

int terminal_width() {
  winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double share, int width) {
  auto const filled = static_cast<int>(share * width);
  return '[' + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(width - filled), '.') + ']';
}

}  // namespace

progress::progress() : terminal_(::isatty(STDERR_FILENO) == 1), started_(clock::now()), last_(started_) {}

bool progress::due() {
  auto const interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(3000);
  auto const now = clock::now();
  if (now - last_ < interval) return false;
  last_ = now;
  return true;
}

void progress::draw(std::string const& line) {
  print_error(terminal_ ? "\r\x1b[K" + line : line + '\n');
  drawn_ = terminal_;
}

void progress::clear() {
  if (drawn_) print_error("\r\x1b[K");
  drawn_ = false;
}

void progress::say(std::string const& line) {
  clear();
  print_error(line + '\n');
}

void progress::walking(std::size_t files) {
  if (due()) draw(fmt::format("looking for files: {}", shown_count(static_cast<std::int64_t>(files))));
}

void progress::start(std::int64_t files, std::int64_t bytes, int workers) {
  all_files_ = files;
  all_bytes_ = bytes;
  workers_ = workers;
  started_ = clock::now();
}

void progress::add(std::int64_t files, std::int64_t bytes) {
  files_ += files;
  bytes_ += bytes;
  if (due()) draw(line(terminal_width()));
}

std::string progress::line(int width) const {
  // A file's share of the work is its weight, not its bytes: many small files take their time.
  auto const weight = [](std::int64_t files, std::int64_t bytes) { return static_cast<double>(bytes + files * 512); };
  double const share = std::clamp(weight(files_, bytes_) / std::max(1.0, weight(all_files_, all_bytes_)), 0.0, 1.0);
  std::chrono::duration<double> const elapsed = clock::now() - started_;
  double const rate = static_cast<double>(bytes_) / std::max(elapsed.count(), 1e-3);
  auto const left = share > 0 ? elapsed * (1 - share) / share : elapsed;
  std::string const text =
      fmt::format("{}/{} files  {}/s  {} left  {}/{} busy  {} of {}", shown_count(files_), shown_count(all_files_),
                  shown_bytes(static_cast<std::int64_t>(rate)), shown_time(left), busy_, workers_, shown_bytes(bytes_),
                  shown_bytes(all_bytes_));
  if (!terminal_) return text;
  int const room = width - static_cast<int>(text.size()) - 4;
  return (bar(share, std::clamp(room, 8, 30)) + ' ' + text).substr(0, static_cast<std::size_t>(width - 1));
}

}  // namespace indexer
