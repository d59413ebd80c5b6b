#include "raw.hpp"

#include "measure.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

/// A sibling that held the other end of a pipe would keep its reader from seeing the end.
void close_all_but(int one, int other) {
  auto const low = static_cast<unsigned>(std::min(one, other)), high = static_cast<unsigned>(std::max(one, other));
  if (low > 3) ::close_range(3, low - 1, 0);
  if (high > low + 1) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0u, 0);
}

}  // namespace

void write_all(int fd, void const* from, std::size_t size) {
  auto const* at = static_cast<char const*>(from);
  while (size > 0) {
    auto const n = static_cast<std::size_t>(check_call(::write(fd, at, size), "write"));
    at += n;
    size -= n;
  }
}

bool read_all(int fd, void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  std::size_t left = size;
  while (left > 0) {
    std::size_t const n = read_some(fd, at, left);
    if (n == 0) break;
    at += n;
    left -= n;
  }
  check(left == 0 || left == size, "the other side has closed in the middle");
  return left == 0;
}

std::size_t read_some(int fd, void* into, std::size_t size) {
  return static_cast<std::size_t>(check_call(::read(fd, into, size), "read"));
}

raw_worker::raw_worker(std::function<void(int in, int out)> const& body, int pipe_size) {
  int there[2], back[2];
  check_call(::pipe(there), "pipe");
  check_call(::pipe(back), "pipe");
  if (pipe_size > 0)
    for (int const fd : {there[1], back[1]}) check_call(::fcntl(fd, F_SETPIPE_SZ, pipe_size), "F_SETPIPE_SZ");
  pid_ = static_cast<pid_t>(check_call(::fork(), "fork"));
  if (pid_ == 0) {
    close_all_but(there[0], back[1]);
    try {
      body(there[0], back[1]);
      ::_exit(0);
    } catch (std::exception const&) {
      ::_exit(1);  // the parent sees the end of the pipe
    }
  }
  ::close(there[0]);
  ::close(back[1]);
  to_ = there[1];
  from_ = back[0];
}

raw_worker::raw_worker(raw_worker&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), to_(other.to_), from_(other.from_) {}

raw_worker::~raw_worker() {
  if (pid_ < 0) return;
  ::close(to_);
  ::close(from_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace bench
