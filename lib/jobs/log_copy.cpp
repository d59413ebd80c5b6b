#include "jobs/log_copy.hpp"

#include "system/generation.hpp"
#include "system/io.hpp"
#include "system/without_signal.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <span>

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t at_once = std::size_t{1} << 20;

descriptor open_log(address const& at) {
  auto const held = hold_forks();
  int const fd = ::openat(at.folder_fd(), (at.name() + ".log").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? descriptor() : descriptor::take(fd, "log");
}

[[noreturn]] void fail(boost::system::error_code why) { throw boost::system::system_error(why, "cannot write the output"); }

/// Where several programs write, one of them may have made it non-blocking.
void wait_for_room(int fd) {
  pollfd one{fd, POLLOUT, 0};
  poll_until(std::span(&one, 1), std::nullopt);
}

/// sendfile(2) that raises no SIGPIPE.
ssize_t send_without_signal(int to, int from, off_t& at, std::size_t most) noexcept {
  without_signal guard(SIGPIPE);
  ssize_t const n = ::sendfile(to, from, &at, most);
  if (n < 0 && errno == EPIPE) {
    guard.take_back();
    errno = EPIPE;
  }
  return n;
}

}  // namespace

log_copy::log_copy(address const& at, int output, bool from_now) : file_(open_log(at)), output_(output) {
  struct stat s {};
  if (from_now && file_ && ::fstat(file_.get(), &s) == 0) position_ = static_cast<std::uint64_t>(s.st_size);
}

bool log_copy::copy_until(std::uint64_t end) {
  if (output_ < 0 || !file_) {
    position_ = std::max(position_, end);
    return true;
  }
  while (position_ < end) {
    auto const most = static_cast<std::size_t>(std::min<std::uint64_t>(at_once, end - position_));
    switch (sends_ ? send(most) : copy(most)) {
      case moved::some: break;
      case moved::nothing: return true;
      case moved::nobody_reads: return false;
    }
  }
  return true;
}

/// Without a copy in this process. Not every output can do it.
log_copy::moved log_copy::send(std::size_t most) {
  auto from = static_cast<off_t>(position_);
  ssize_t const n = send_without_signal(output_, file_.get(), from, most);
  if (n > 0) position_ += static_cast<std::uint64_t>(n);
  if (n >= 0) return n > 0 ? moved::some : moved::nothing;
  if (errno == EINTR) return moved::some;
  if (errno == EAGAIN) {
    wait_for_room(output_);
    return moved::some;
  }
  if (errno == EPIPE || errno == ECONNRESET) return moved::nobody_reads;
  sends_ = false;
  return copy(most);
}

log_copy::moved log_copy::copy(std::size_t most) {
  std::array<std::byte, 64 * 1024> piece;
  ssize_t const n = ::pread(file_.get(), piece.data(), std::min(most, piece.size()), static_cast<off_t>(position_));
  if (n < 0 && errno == EINTR) return moved::some;
  if (n < 0) throw boost::system::system_error(errno, boost::system::system_category(), "cannot read the output of a job");
  if (n == 0) return moved::nothing;
  for (std::span<std::byte const> left(piece.data(), static_cast<std::size_t>(n)); !left.empty();) {
    auto const w = write_some(output_, left);
    if (w.error) fail(w.error);
    if (w.end) return moved::nobody_reads;
    if (w.would_block) wait_for_room(output_);
    left = left.subspan(w.bytes);
    position_ += w.bytes;
  }
  return moved::some;
}

}  // namespace procx::inline v1::detail
