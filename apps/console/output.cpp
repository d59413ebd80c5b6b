#include "console/output.hpp"

#include "console/failure.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace console {

void print(std::string_view text) {
  while (!text.empty()) {
    ssize_t const n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) return;
    if (n < 0) throw failure(std::string("cannot write the output: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void print_error(std::string_view text) noexcept {
  while (!text.empty()) {
    ssize_t const n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void keep_standard_streams_apart() {
  int fd = 0;
  while ((fd = ::open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO) continue;
  ::close(fd);
}

}  // namespace console
