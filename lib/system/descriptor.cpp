#include "system/descriptor.hpp"

#include "system/generation.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace procx::inline v1::detail {
namespace {

// One bit for each descriptor number of procx's. A plain table without locks: the child of a fork in a program with
// threads may read nothing that a thread could have been changing.
constexpr int table_size = 1 << 20;
std::array<std::atomic<std::uint64_t>, table_size / 64> marks;
std::atomic<int> highest{-1};

[[noreturn]] void fail(char const* what) {
  throw boost::system::system_error(errno, boost::system::system_category(), what);
}

void note(int fd) noexcept {
  if (fd < 0 || fd >= table_size) return;
  marks[static_cast<std::size_t>(fd / 64)].fetch_or(std::uint64_t{1} << fd % 64, std::memory_order_relaxed);
  int top = highest.load(std::memory_order_relaxed);
  while (top < fd && !highest.compare_exchange_weak(top, fd, std::memory_order_relaxed)) {}
}

void forget(int fd) noexcept {
  if (fd < 0 || fd >= table_size) return;
  marks[static_cast<std::size_t>(fd / 64)].fetch_and(~(std::uint64_t{1} << fd % 64), std::memory_order_relaxed);
}

}  // namespace

void descriptor::close() noexcept {
  if (fd_ >= 0 && generation_ == generation()) {
    auto const held = hold_forks();  // a child either has it marked, or has it not
    forget(fd_);                     // before the number can be given to somebody else
    ::close(fd_);
  }
  fd_ = -1;
}

void descriptor::adopt() noexcept { generation_ = generation(); }

descriptor descriptor::take(int fd, char const* what) {
  if (fd < 0) fail(what);
  if (fd <= STDERR_FILENO) {  // this program's standard streams are closed, and those numbers are written to all the same
    int const low = std::exchange(fd, ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    int const why = errno;
    ::close(low);
    errno = why;
    if (fd < 0) fail(what);
  }
  note(fd);
  descriptor owner;
  owner.fd_ = fd;
  owner.generation_ = generation();
  return owner;
}

std::pair<descriptor, descriptor> make_pipe() {
  std::pair<descriptor, descriptor> made;  // outlives the lock, which closing needs too
  auto const held = hold_forks();
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) fail("cannot make a pipe (pipe2)");
  made.first = descriptor::take(ends[0], "pipe");
  made.second = descriptor::take(ends[1], "pipe");
  return made;
}

void ask_for_pipe_size(descriptor const& pipe, std::size_t size) noexcept {
  ::fcntl(pipe.get(), F_SETPIPE_SZ, static_cast<int>(size));
}

std::pair<descriptor, descriptor> make_socket_pair(int type) {
  std::pair<descriptor, descriptor> made;
  auto const held = hold_forks();
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0) fail("cannot make a pair of sockets (socketpair)");
  made.first = descriptor::take(ends[0], "socketpair");
  made.second = descriptor::take(ends[1], "socketpair");
  return made;
}

descriptor open_pidfd(pid_t pid) {
  auto const held = hold_forks();
  return descriptor::take(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "cannot open a pidfd (pidfd_open)");
}

descriptor duplicate(int fd) {
  auto const held = hold_forks();
  return descriptor::take(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "cannot duplicate a descriptor (fcntl)");
}

descriptor duplicate_high(int fd) {
  auto const held = hold_forks();
  int made = -1;
  for (int const lowest : {1000, 200, 0})  // as far as the limit allows
    if (made < 0) made = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  return descriptor::take(made, "cannot duplicate a descriptor");
}

int duplicate_onto(int fd, int number) noexcept {
  int made = -1;
  do made = ::dup2(fd, number);
  while (made < 0 && (errno == EINTR || errno == EBUSY));
  return made;
}

void set_nonblocking(int fd, bool on) {
  int const flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0) fail("fcntl");
}

void mark_descriptor(int fd) noexcept { note(fd); }
void unmark_descriptor(int fd) noexcept { forget(fd); }

void close_inherited(std::span<int const> keep) noexcept {
  int const top = std::min(highest.load(std::memory_order_relaxed), table_size - 1);
  int newest = -1;
  for (int word = 0; word <= top / 64 && top >= 0; ++word) {
    auto& mark = marks[static_cast<std::size_t>(word)];
    std::uint64_t bits = mark.exchange(0, std::memory_order_relaxed);
    for (; bits; bits &= bits - 1) {
      int const fd = word * 64 + __builtin_ctzll(bits);
      if (std::find(keep.begin(), keep.end(), fd) == keep.end())
        ::close(fd);
      else
        note(newest = fd);
    }
  }
  highest.store(newest, std::memory_order_relaxed);
}

void raise_descriptor_limit() noexcept {
  static constinit std::atomic<bool> done = false;  // no guard, in the midst of which somebody may fork
  if (done.exchange(true)) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace procx::inline v1::detail
