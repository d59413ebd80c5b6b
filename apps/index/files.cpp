#include "files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace indexer {
namespace {

constexpr std::int64_t nanoseconds(timespec const& t) { return t.tv_sec * 1'000'000'000LL + t.tv_nsec; }

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

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Reads on until the text has this size or the file ends. Returns an errno, or 0.
int read_up_to(int fd, std::string& text, std::size_t size) {
  std::size_t have = text.size();
  text.resize(size);
  while (have < size) {
    ssize_t const n = ::read(fd, text.data() + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return 0;
}

fate fate_of_error(int error) {
  bool const gone = error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
  return gone ? fate::vanished : fate::unreadable;
}

}  // namespace

stamp stamp::of(struct stat const& status) {
  return {nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), status.st_size,
          static_cast<std::int64_t>(status.st_ino)};
}

char const* name(fate value) {
  switch (value) {
    case fate::indexed: return "indexed";
    case fate::binary: return "binary";
    case fate::unreadable: return "unreadable";
    case fate::too_large: return "too large";
    case fate::failed: return "failed";
    case fate::closed: return "closed directory";
    case fate::vanished: return "vanished";
  }
  return "unknown";
}

reading read_file(std::string const& path, std::int64_t max_bytes, std::string& text) {
  text.clear();
  descriptor const file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) return {fate_of_error(errno), errno, {}};

  struct stat status;
  if (::fstat(file.get(), &status) != 0) return {fate::unreadable, errno, {}};
  if (!S_ISREG(status.st_mode)) return {fate::vanished, 0, {}};
  reading result{fate::indexed, 0, stamp::of(status)};
  if (result.stamp.bytes > max_bytes) return result.fate = fate::too_large, result;

  outwait_tick(result.stamp);
  auto const whole = static_cast<std::size_t>(result.stamp.bytes);
  for (std::size_t const size : {std::min<std::size_t>(whole, 64 << 10), whole}) {  // a binary file needs only a look
    if (int const error = read_up_to(file.get(), text, size)) return {fate::unreadable, error, result.stamp};
    if (std::memchr(text.data(), 0, text.size())) return result.fate = fate::binary, result;
  }
  return result;
}

}  // namespace indexer
