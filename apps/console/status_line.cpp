#include "console/status_line.hpp"

#include "console/output.hpp"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

namespace console {
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

status_line::status_line() : terminal_(::isatty(STDERR_FILENO) == 1), last_(clock::now()) {}

bool status_line::due() {
  auto const interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(3000);
  auto const now = clock::now();
  if (now - last_ < interval) return false;
  last_ = now;
  return true;
}

void status_line::draw(std::string const& line) {
  print_error(terminal_ ? "\r\x1b[K" + line : line + '\n');
  drawn_ = terminal_;
}

void status_line::clear() {
  if (drawn_) print_error("\r\x1b[K");
  drawn_ = false;
}

void status_line::say(std::string const& line) {
  clear();
  print_error(line + '\n');
}

std::string status_line::with_bar(double share, std::string const& text) const {
  if (!terminal_) return text;
  int const width = terminal_width(), room = width - static_cast<int>(text.size()) - 4;
  return (bar(share, std::clamp(room, 8, 30)) + ' ' + text).substr(0, static_cast<std::size_t>(width - 1));
}

}  // namespace console
