#include "terminal_input.hpp"

#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

raw_terminal::raw_terminal(int fd) {
  if (::tcgetattr(fd, &before_) != 0) return;
  termios raw = before_;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd, TCSADRAIN, &raw) == 0) fd_ = fd;
}

raw_terminal::~raw_terminal() {
  if (fd_ >= 0) ::tcsetattr(fd_, TCSADRAIN, &before_);
}

std::optional<char> key_named(std::string const& name) {
  if (name == "none") return std::nullopt;
  if (name.size() == 1) return name[0];
  if (name.size() == 2 && name[0] == '^' && name[1] >= '?' && name[1] <= '~') return static_cast<char>(name[1] & 0x1f);
  throw std::runtime_error("\"" + name + "\" is no key: write ^A for Ctrl-A, or none");
}

bool has_input(int fd) {
  struct stat s {};
  if (::fcntl(fd, F_GETFL) < 0 || (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY || ::fstat(fd, &s) != 0) return false;
  return !(S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 3));
}
