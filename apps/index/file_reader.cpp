#include "file_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace indexer {
namespace {

constexpr int cut_short = ENODATA;  // there was less to be read than the file has by its own account
constexpr std::size_t files_ahead = 32;
constexpr off_t bytes_ahead = 1 << 20;  // of each

/// Whether a further change might not show in the file's times, however long one waits: some file systems count whole
/// seconds, or every other one. A time that is still to come says nothing at all.
bool may_change_unseen(stamp const& s) {
  constexpr std::int64_t second = 1'000'000'000, tick = 2 * second;
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return s.mtime_ns % second == 0 && nanoseconds(now) - s.mtime_ns < tick;
}

/// File times advance in ticks of some milliseconds: a file that was written in the present tick can be written again
/// without a trace. After this wait every later write shows.
void outwait_tick(stamp const& s) {
  constexpr std::int64_t tick_ns = 20'000'000;
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::int64_t const age = nanoseconds(now) - std::max(s.mtime_ns, s.ctime_ns);
  if (age < 0 || age >= tick_ns) return;
  timespec const wait{0, tick_ns - age};
  ::nanosleep(&wait, nullptr);
}

fate fate_of_error(int error) {
  bool const gone = error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
  return gone ? fate::vanished : fate::unreadable;
}

int open_file(char const* path) {
  return ::open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

file_reader::file_reader(std::vector<char const*> paths, std::int64_t max_bytes)
    : paths_(std::move(paths)), max_bytes_(max_bytes) {}

file_reader::descriptor::~descriptor() {
  if (number_ >= 0) ::close(number_);
}

reading file_reader::next(std::string& text) {
  constexpr int attempts = 3;
  descriptor const file = open_next();
  for (int n = 1;; ++n) {
    reading const result = read(file, text);
    if (result.error != cut_short || n == attempts) return result;
    if (::lseek(file.number(), 0, SEEK_SET) != 0) return result;
  }
}

reading file_reader::read(descriptor const& file, std::string& text) {
  text.clear();
  if (file.number() < 0) return {fate_of_error(errno), errno, {}};

  struct stat status;
  if (::fstat(file.number(), &status) != 0) return {fate::unreadable, errno, {}};
  if (!S_ISREG(status.st_mode)) return {fate::vanished, 0, {}};
  reading result{fate::indexed, 0, stamp::of(status)};
  if (result.stamp.bytes > max_bytes_) return result.fate = fate::too_large, result;

  outwait_tick(result.stamp);
  if (may_change_unseen(result.stamp)) result.stamp.spoil();
  auto const whole = static_cast<std::size_t>(result.stamp.bytes);
  for (std::size_t const size : {std::min<std::size_t>(whole, 64 << 10), whole}) {  // a binary file needs only a look
    if (int const error = read_up_to(file.number(), text, size)) return {fate::unreadable, error, result.stamp};
    if (std::memchr(text.data(), 0, text.size())) return result.fate = fate::binary, result;
  }
  if (text.size() < whole) return {fate::unreadable, cut_short, result.stamp};
  return result;
}

file_reader::descriptor file_reader::open_next() {
  char const* const path = paths_.at(next_++);
  descriptor file;
  if (!opened_.empty()) {
    file = std::move(opened_.front());
    opened_.pop_front();
  }
  if (file.number() < 0) file = descriptor(open_file(path));
  int const error = errno;
  if (waited_) fetch_ahead();
  errno = error;
  return file;
}

/// What cannot be opened now, because there are no more descriptors for instance, is opened when its turn comes.
void file_reader::fetch_ahead() {
  while (opened_.size() < files_ahead && next_ + opened_.size() < paths_.size()) {
    descriptor const& file = opened_.emplace_back(open_file(paths_[next_ + opened_.size()]));
    if (file.number() >= 0) ::posix_fadvise(file.number(), 0, bytes_ahead, POSIX_FADV_WILLNEED);
  }
}

/// Reads on until the text has this size or the file ends. Returns an errno, or 0.
///
/// Only a plain read is believed when it fails or ends: with RWF_NOWAIT Linux 5.9 and 5.10 say that a file ends where the
/// system's memory of it does, and a file system or a sandbox may answer that flag with any error.
int file_reader::read_up_to(int file, std::string& text, std::size_t size) {
  std::size_t have = text.size();
  text.resize(size);
  bool in_memory = true;
  while (have < size) {
    iovec const room{text.data() + have, size - have};
    ssize_t const n = in_memory ? ::preadv2(file, &room, 1, -1, RWF_NOWAIT) : ::read(file, room.iov_base, room.iov_len);
    if (n <= 0 && in_memory) {
      if (n < 0 && errno == EAGAIN && !std::exchange(waited_, true)) fetch_ahead();
      in_memory = false;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return 0;
}

}  // namespace indexer
