#include "jobs/job_log.hpp"

#include "system/generation.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10;
constexpr std::size_t at_once = std::size_t{1} << 20;
constexpr std::size_t at_a_time = std::size_t{4} << 20;  // before others have their turn
constexpr std::chrono::milliseconds between_tries{100};

bool means_full(int why) { return why == ENOSPC || why == EDQUOT || why == EFBIG || why == EIO || why == ENOMEM; }

}  // namespace

job_log::job_log(descriptor from, bool terminal) : from_(std::move(from)), splices_(!terminal) {
  set_nonblocking(from_.get(), true);
  if (!terminal) ask_for_pipe_size(from_, at_once);
}

void job_log::open(address const& at) {
  std::string const name = at.name() + ".log";
  ::unlinkat(at.folder_fd(), name.c_str(), 0);
  auto const held = hold_forks();
  int const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file_ = descriptor::take(::openat(at.folder_fd(), name.c_str(), flags, 0600), "cannot make the file for the output of a job");
  duplicate_onto(file_.get(), STDOUT_FILENO);
  duplicate_onto(file_.get(), STDERR_FILENO);
}

bool job_log::pump() {
  if (stalled_until_ && clock::now() < *stalled_until_) return false;
  for (std::size_t most = at_a_time; most > 0;) {
    std::uint64_t const before = size_;
    moved const m = move(std::min(most, at_once));
    if (m == moved::no_room) stalled_until_ = clock::now() + between_tries;
    if (m != moved::some) return false;
    stalled_until_.reset();
    most -= std::min<std::size_t>(most, size_ - before);
  }
  return true;
}

bool job_log::take_present() {
  int there = 0;
  if (ended_ || ::ioctl(from_.get(), FIONREAD, &there) != 0) there = 0;
  std::uint64_t const until = size_ + (read_ - written_) + static_cast<std::uint64_t>(std::max(there, 0));
  while (size_ < until) {
    moved const m = move(std::min<std::size_t>(at_once, until - size_));
    if (m == moved::no_room) stalled_until_ = clock::now() + between_tries;
    if (m == moved::no_room) return false;
    if (m == moved::none_there) break;
    stalled_until_.reset();
  }
  return true;
}

job_log::moved job_log::move(std::size_t most) {
  if (!write_left()) return moved::no_room;
  if (ended_) return moved::none_there;
  return splices_ ? splice(most) : copy(most);
}

/// Without a copy in this process. Some file systems cannot do it.
job_log::moved job_log::splice(std::size_t most) {
  auto to = static_cast<loff_t>(size_);
  ssize_t const n = ::splice(from_.get(), nullptr, file_.get(), &to, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0) {
    size_ += static_cast<std::uint64_t>(n);
    return moved::some;
  }
  if (n == 0) {
    ended_ = true;
    return moved::none_there;
  }
  if (errno == EINTR) return moved::some;
  if (errno == EAGAIN) return moved::none_there;
  if (means_full(errno)) return moved::no_room;
  splices_ = false;
  return copy(most);
}

job_log::moved job_log::copy(std::size_t most) {
  piece_.resize(piece);
  auto const r = read_some(from_.get(), std::span(piece_).first(std::min(most, piece)));
  if (r.would_block) return moved::none_there;
  if (r.end || r.error) {  // a terminal that nobody has open any more gives EIO
    ended_ = true;
    return moved::none_there;
  }
  written_ = 0;
  read_ = r.bytes;
  return write_left() ? moved::some : moved::no_room;
}

bool job_log::write_left() {
  while (written_ < read_) {
    ssize_t const n = ::pwrite(file_.get(), piece_.data() + written_, read_ - written_, static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    written_ += static_cast<std::size_t>(n);
    size_ += static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace procx::inline v1::detail
