#include "system/kernel.hpp"

#include "system/generation.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace procx::inline v1::detail {
namespace {

void close_on_exec(int fd) noexcept {
  int const flags = ::fcntl(fd, F_GETFD);
  if (flags >= 0) ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/// By the list of those that are open. Not with opendir, which needs memory that another thread may have locked at the fork.
bool close_listed_on_exec(int first) noexcept {
  int const directory = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  alignas(dirent64) char entries[4096];
  ssize_t size = 0;
  while ((size = ::getdents64(directory, entries, sizeof entries)) > 0)
    for (ssize_t at = 0; at < size;) {
      auto const* const entry = reinterpret_cast<dirent64 const*>(entries + at);
      char const* const name = entry->d_name;
      int fd = -1;
      auto const [end, error] = std::from_chars(name, name + std::strlen(name), fd);
      if (error == std::errc() && fd >= first) close_on_exec(fd);
      at += entry->d_reclen;
    }
  ::close(directory);
  return size == 0;
}

}  // namespace

bool has_pidfds() noexcept {
  auto const held = hold_forks();  // no child may keep this one
  int const own = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (own < 0) return errno == EMFILE || errno == ENFILE || errno == ENOMEM;  // there are, but none is left
  siginfo_t info{};
  bool const no_child = ::syscall(SYS_waitid, P_PIDFD, own, &info, WEXITED | WNOHANG, nullptr) != 0 && errno == ECHILD;
  ::close(own);
  return no_child;
}

sent send_by_pidfd(int pidfd, int signal) noexcept {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return sent::yes;
  return errno == ESRCH ? sent::nobody_there : sent::no_way;
}

bool is_unreaped_child(pid_t pid) noexcept {
  siginfo_t info{};
  return pid > 1 && ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void close_on_exec_from(int first) noexcept {
  if (::close_range(static_cast<unsigned>(first), ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  if (close_listed_on_exec(first)) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  int const end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  for (int fd = first; fd < end; ++fd) close_on_exec(fd);
}

bool write_without_signal(int fd, std::span<iovec const> from, ssize_t& n) noexcept {
  constexpr int no_signal = 0x100;  // RWF_NOSIGNAL, which the C library's headers may not know yet
  constexpr long here = -1;
  static std::atomic<bool> supported = true;
  if (!supported.load(std::memory_order_relaxed)) return false;
  do {
    n = ::syscall(SYS_pwritev2, fd, from.data(), from.size(), here, here, no_signal);
  } while (n < 0 && errno == EINTR);
  if (n >= 0 || errno == EAGAIN || errno == EPIPE) return true;
  bool const no_such_call = errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == EPERM || errno == EACCES;
  if (no_such_call) supported.store(false, std::memory_order_relaxed);
  return false;  // what is really wrong will be so without the flag as well
}

}  // namespace procx::inline v1::detail
