#include "faults.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faults {
namespace {

std::atomic<control*> shared = nullptr;
unsigned own_generation = 0;
bool counted = false;  // not in the process that has forked the first one, and shares the plan

/// The function behind the one here. Not in a static object of the function: its guard would make calls by itself.
template <class Function>
Function* behind(std::atomic<Function*>& known, char const* name) noexcept {
  Function* f = known.load(std::memory_order_relaxed);
  if (!f) known = f = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
  return f;
}

/// Counts a call; what is to happen to it, null if nothing is.
damage const* strike(function which) noexcept {
  control* const c = shared.load(std::memory_order_relaxed);
  if (!c || !counted || !c->armed.load(std::memory_order_relaxed)) return nullptr;
  unsigned const generation = own_generation < generations ? own_generation : generations - 1;
  auto const call = c->calls[generation][static_cast<unsigned>(which)].fetch_add(1, std::memory_order_relaxed) + 1;
  if (c->damage >= std::size(damages) || damages[c->damage].where != which || c->generation != generation) return nullptr;
  if (call != c->call || c->done.exchange(true)) return nullptr;
  return &damages[c->damage];
}

bool fails(function which) noexcept {
  damage const* const d = strike(which);
  if (d && d->what == damage::kind::error) {
    errno = d->error;
    return true;
  }
  return false;
}

std::size_t shortened(damage const* d, std::size_t size) noexcept {
  if (!d || size == 0) return size;
  if (d->what == damage::kind::one_byte) return 1;
  return d->what == damage::kind::half ? (size + 1) / 2 : size;
}

/// The first so many bytes of the pieces, where a call is to do less.
struct shorter_pieces {
  shorter_pieces(damage const* d, iovec const* from, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) size += from[i].iov_len;
    std::size_t left = shortened(d, size);
    for (; used < count && used < std::size(pieces) && left > 0; ++used) {
      pieces[used] = from[used];
      if (pieces[used].iov_len > left) pieces[used].iov_len = left;
      left -= pieces[used].iov_len;
    }
  }
  iovec pieces[64];
  std::size_t used = 0;
  std::size_t size = 0;
};

[[gnu::constructor]] void make_plan() {
  void* const memory = ::mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  auto* const made = new (memory) control;
  char const* const text = std::getenv("PROCX_FAULT");
  unsigned long number = 0, call = 0;
  bool const told = text && std::sscanf(text, "%u %lu %lu", &made->generation, &number, &call) == 3;
  made->damage = told ? number : ~std::size_t{0};
  made->call = call;
  shared = made;
  if (told) arm();
}

}  // namespace

control& plan() noexcept { return *shared.load(); }

void arm() noexcept {
  own_generation = 0;
  counted = true;
  plan().done = false;
  plan().bad_closes = 0;
  for (auto& generation : plan().calls)
    for (auto& count : generation) count = 0;
  plan().armed = true;
}

void disarm() noexcept { plan().armed = false; }

}  // namespace faults

using faults::behind;
using faults::fails;
using faults::function;
using faults::strike;

// A definition of a function of the C library, under another name here: its declaration may be there, with attributes.
#define STANDS_BEFORE(result, name, parameters)                   \
  extern "C" result before_##name parameters __asm__(#name);      \
  static std::atomic<result(*) parameters> behind_##name = nullptr; \
  extern "C" result before_##name parameters
#define BEHIND(name) (behind_of(behind_##name, #name))

template <class Function>
static Function* behind_of(std::atomic<Function*>& known, char const* name) noexcept {
  return behind(known, name);
}

STANDS_BEFORE(ssize_t, read, (int fd, void* into, size_t size)) {
  faults::damage const* const d = strike(function::read);
  if (d && d->error) return errno = d->error, -1;
  return BEHIND(read)(fd, into, faults::shortened(d, size));
}

STANDS_BEFORE(ssize_t, writev, (int fd, iovec const* from, int count)) {
  faults::damage const* const d = strike(function::writev);
  if (d && d->error) return errno = d->error, -1;
  if (!d) return BEHIND(writev)(fd, from, count);
  faults::shorter_pieces const less(d, from, static_cast<std::size_t>(count));
  return BEHIND(writev)(fd, less.pieces, static_cast<int>(less.used));
}

STANDS_BEFORE(long, syscall, (long number, long a, long b, long c, long d, long e, long f)) {
  if (number == SYS_pwritev2) {
    faults::damage const* const what = strike(function::pwritev2);
    if (what && what->error) return errno = what->error, -1;
    if (what) {
      faults::shorter_pieces const less(what, reinterpret_cast<iovec const*>(b), static_cast<std::size_t>(c));
      return BEHIND(syscall)(number, a, reinterpret_cast<long>(less.pieces), static_cast<long>(less.used), d, e, f);
    }
  }
  // Of no process: a question whether there is such a call.
  if (number == SYS_pidfd_open && static_cast<int>(a) > 0 && fails(function::pidfd_open)) return -1;
  return BEHIND(syscall)(number, a, b, c, d, e, f);
}

STANDS_BEFORE(int, pipe2, (int* ends, int flags)) {
  faults::damage const* const d = strike(function::pipe2);
  if (d && d->error) return errno = d->error, -1;
  int const made = BEHIND(pipe2)(ends, flags);
  if (d && made == 0) ::fcntl(ends[0], F_SETPIPE_SZ, 4096);
  return made;
}

STANDS_BEFORE(int, socketpair, (int domain, int type, int protocol, int* ends)) {
  return fails(function::socketpair) ? -1 : BEHIND(socketpair)(domain, type, protocol, ends);
}

STANDS_BEFORE(ssize_t, sendmsg, (int fd, msghdr const* message, int flags)) {
  return fails(function::sendmsg) ? -1 : BEHIND(sendmsg)(fd, message, flags);
}

STANDS_BEFORE(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
  return fails(function::recvmsg) ? -1 : BEHIND(recvmsg)(fd, message, flags);
}

STANDS_BEFORE(pid_t, fork, ()) {
  if (fails(function::fork)) return -1;
  pid_t const pid = BEHIND(fork)();
  if (pid == 0) ++faults::own_generation;
  return pid;
}

STANDS_BEFORE(int, waitid, (idtype_t type, id_t id, siginfo_t* info, int options)) {
  if (!(options & WNOHANG) && fails(function::waitid)) return -1;  // who does not wait is not interrupted
  return BEHIND(waitid)(type, id, info, options);
}

STANDS_BEFORE(pid_t, waitpid, (pid_t pid, int* status, int options)) {
  if (!(options & WNOHANG) && fails(function::waitpid)) return -1;
  return BEHIND(waitpid)(pid, status, options);
}

STANDS_BEFORE(int, ppoll, (pollfd * fds, nfds_t count, timespec const* timeout, sigset_t const* mask)) {
  return fails(function::ppoll) ? -1 : BEHIND(ppoll)(fds, count, timeout, mask);
}

STANDS_BEFORE(int, epoll_create1, (int flags)) {
  return fails(function::epoll_create1) ? -1 : BEHIND(epoll_create1)(flags);
}

STANDS_BEFORE(int, epoll_ctl, (int fd, int what, int other, epoll_event* event)) {
  // Only what is added needs memory. What Asio's reactor adds for itself, without EPOLLPRI, it does not look back at.
  if (what == EPOLL_CTL_ADD && event->events & EPOLLPRI && fails(function::epoll_ctl)) return -1;
  return BEHIND(epoll_ctl)(fd, what, other, event);
}

STANDS_BEFORE(int, epoll_wait, (int fd, epoll_event* events, int count, int timeout)) {
  return fails(function::epoll_wait) ? -1 : BEHIND(epoll_wait)(fd, events, count, timeout);
}

STANDS_BEFORE(int, eventfd, (unsigned count, int flags)) {
  return fails(function::eventfd) ? -1 : BEHIND(eventfd)(count, flags);
}

STANDS_BEFORE(int, timerfd_create, (int clock, int flags)) {
  return fails(function::timerfd_create) ? -1 : BEHIND(timerfd_create)(clock, flags);
}

STANDS_BEFORE(int, signalfd, (int fd, sigset_t const* mask, int flags)) {
  return fails(function::signalfd) ? -1 : BEHIND(signalfd)(fd, mask, flags);
}

STANDS_BEFORE(int, memfd_create, (char const* name, unsigned flags)) {
  return fails(function::memfd_create) ? -1 : BEHIND(memfd_create)(name, flags);
}

STANDS_BEFORE(int, ftruncate, (int fd, off_t size)) {
  return fails(function::ftruncate) ? -1 : BEHIND(ftruncate)(fd, size);
}

STANDS_BEFORE(void*, mmap, (void* at, size_t size, int protection, int flags, int fd, off_t offset)) {
  return fails(function::mmap) ? MAP_FAILED : BEHIND(mmap)(at, size, protection, flags, fd, offset);
}

STANDS_BEFORE(int, madvise, (void* at, size_t size, int advice)) {
  return fails(function::madvise) ? -1 : BEHIND(madvise)(at, size, advice);
}

STANDS_BEFORE(int, open, (char const* path, int flags, mode_t mode)) {
  return fails(function::open) ? -1 : BEHIND(open)(path, flags, mode);
}

STANDS_BEFORE(DIR*, opendir, (char const* path)) {
  return fails(function::opendir) ? nullptr : BEHIND(opendir)(path);
}

STANDS_BEFORE(int, fcntl, (int fd, int what, long argument)) {
  if ((what == F_DUPFD || what == F_DUPFD_CLOEXEC) && fails(function::dup_by_fcntl)) return -1;
  return BEHIND(fcntl)(fd, what, argument);
}

STANDS_BEFORE(int, dup2, (int from, int to)) { return fails(function::dup2) ? -1 : BEHIND(dup2)(from, to); }

STANDS_BEFORE(int, pthread_create,
              (pthread_t * thread, pthread_attr_t const* attributes, void* (*run)(void*), void* with)) {
  if (fails(function::pthread_create)) return errno;
  return BEHIND(pthread_create)(thread, attributes, run, with);
}

STANDS_BEFORE(int, close, (int fd)) {
  int const r = BEHIND(close)(fd);
  faults::control* const c = faults::own_generation == 0 ? faults::shared.load(std::memory_order_relaxed) : nullptr;
  if (r < 0 && errno == EBADF && c && c->armed.load(std::memory_order_relaxed)) {
    c->bad_closes.fetch_add(1);
    errno = EBADF;
  }
  return r;
}
