#include "system/io.hpp"

#include "system/kernel.hpp"
#include "system/without_signal.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

boost::system::error_code from_errno(int value) noexcept { return {value, boost::system::system_category()}; }

io_result write_result(ssize_t n) noexcept {
  if (n >= 0) return {.bytes = static_cast<std::size_t>(n)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.would_block = true};
  if (errno == EPIPE || errno == ECONNRESET) return {.end = true};
  return {.error = from_errno(errno)};
}

/// writev that does not raise this signal, which comes with this error.
io_result write_without(int signal, int error, int fd, std::span<iovec const> from) noexcept {
  without_signal guard(signal);
  ssize_t n = 0;
  do {
    n = ::writev(fd, from.data(), static_cast<int>(from.size()));
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == error) {
    guard.take_back();
    errno = error;
  }
  return write_result(n);
}

}  // namespace

io_result read_some(int fd, std::span<std::byte> into) noexcept {
  for (;;) {
    ssize_t const n = ::read(fd, into.data(), into.size());
    if (n > 0) return {.bytes = static_cast<std::size_t>(n)};
    if (n == 0) return {.end = true};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {.would_block = true};
    if (errno == ECONNRESET) return {.end = true};
    return {.error = from_errno(errno)};
  }
}

io_result write_some(int fd, std::span<std::byte const> from) noexcept {
  iovec const part{const_cast<std::byte*>(from.data()), from.size()};
  return write_some(fd, std::span(&part, 1));
}

io_result write_some(int fd, std::span<iovec const> from) noexcept {
  ssize_t n = 0;
  return write_without_signal(fd, from, n) ? write_result(n) : write_with_signal_blocked(fd, from);
}

io_result write_with_signal_blocked(int fd, std::span<iovec const> from) noexcept {
  return write_without(SIGPIPE, EPIPE, fd, from);
}

io_result write_to_file(int fd, std::span<std::byte const> from) noexcept {
  iovec const part{const_cast<std::byte*>(from.data()), from.size()};
  return write_without(SIGXFSZ, EFBIG, fd, std::span(&part, 1));
}

bool poll_until(std::span<pollfd> fds, deadline until) {
  for (;;) {
    timespec left{};
    if (until) {
      auto const d = std::max(*until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
      auto const s = std::chrono::duration_cast<std::chrono::seconds>(d);
      left = {static_cast<time_t>(s.count()), static_cast<long>(std::chrono::nanoseconds(d - s).count())};
    }
    int const n = ::ppoll(fds.data(), fds.size(), until ? &left : nullptr, nullptr);
    if (n > 0) return true;
    if (n == 0 && until) return false;
    if (n < 0 && (errno == ENOMEM || errno == EAGAIN)) {
      timespec const a_moment{0, 1'000'000};  // the system is short of memory: nobody can be told, so it is tried again
      ::nanosleep(&a_moment, nullptr);
    } else if (n < 0 && errno != EINTR) {
      throw boost::system::system_error(from_errno(errno), "poll");
    }
  }
}

}  // namespace procx::inline v1::detail
