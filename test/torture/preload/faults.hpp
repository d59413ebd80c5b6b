#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

/// One call of the C library fails, or does less than it might: in which process, which function, which call, and how.
///
/// The library stands before the C library, linked or by LD_PRELOAD, and counts the calls of this process and of those
/// that it forks. A program says `plan` and `arm`; any other program is told by the variable PROCX_FAULT, "process damage
/// call", such as "0 7 1": the first call in the first process that can have the damage with this number.
namespace faults {

enum class function : unsigned {
  read, writev, pwritev2, pidfd_open, pipe2, socketpair, sendmsg, recvmsg, fork, waitid, waitpid, ppoll, epoll_create1,
  epoll_ctl, epoll_wait, eventfd, timerfd_create, signalfd, memfd_create, ftruncate, mmap, madvise, open, opendir,
  dup_by_fcntl, dup2, pthread_create, count_
};
inline constexpr char const* names[] = {
    "read", "writev", "pwritev2", "pidfd_open", "pipe2", "socketpair", "sendmsg", "recvmsg", "fork", "waitid", "waitpid",
    "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "eventfd", "timerfd_create", "signalfd", "memfd_create",
    "ftruncate", "mmap", "madvise", "open", "opendir", "fcntl", "dup2", "pthread_create"};
inline constexpr std::size_t functions = static_cast<std::size_t>(function::count_);

struct damage {
  enum class kind { error, one_byte, half, small_pipe } what;
  function where;
  char const* name;
  int error;
  bool harmless;  ///< procx must make up for it: nobody may notice anything
};
inline constexpr damage damages[] = {
    {damage::kind::error, function::read, "EINTR", EINTR, true},
    {damage::kind::one_byte, function::read, "one byte", 0, true},
    {damage::kind::error, function::read, "EIO", EIO, false},
    {damage::kind::error, function::writev, "EINTR", EINTR, true},
    {damage::kind::one_byte, function::writev, "one byte", 0, true},
    {damage::kind::error, function::pwritev2, "EINTR", EINTR, true},
    {damage::kind::one_byte, function::pwritev2, "one byte", 0, true},
    {damage::kind::half, function::pwritev2, "half", 0, true},
    {damage::kind::error, function::pwritev2, "EOPNOTSUPP", EOPNOTSUPP, true},
    {damage::kind::error, function::pwritev2, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::pidfd_open, "EMFILE", EMFILE, false},
    {damage::kind::error, function::pidfd_open, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::pipe2, "EMFILE", EMFILE, false},
    {damage::kind::small_pipe, function::pipe2, "small", 0, true},
    {damage::kind::error, function::socketpair, "EMFILE", EMFILE, false},
    {damage::kind::error, function::sendmsg, "EINTR", EINTR, true},
    {damage::kind::error, function::sendmsg, "ENOBUFS", ENOBUFS, true},
    {damage::kind::error, function::recvmsg, "EINTR", EINTR, true},
    {damage::kind::error, function::recvmsg, "EAGAIN", EAGAIN, true},
    {damage::kind::error, function::recvmsg, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::fork, "EAGAIN", EAGAIN, false},
    {damage::kind::error, function::fork, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::waitid, "EINTR", EINTR, true},
    {damage::kind::error, function::waitpid, "EINTR", EINTR, true},
    {damage::kind::error, function::ppoll, "EINTR", EINTR, true},
    {damage::kind::error, function::ppoll, "ENOMEM", ENOMEM, true},
    {damage::kind::error, function::epoll_create1, "EMFILE", EMFILE, false},
    {damage::kind::error, function::epoll_ctl, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::epoll_ctl, "ENOSPC", ENOSPC, false},
    {damage::kind::error, function::epoll_wait, "EINTR", EINTR, true},
    {damage::kind::error, function::eventfd, "EMFILE", EMFILE, false},
    {damage::kind::error, function::timerfd_create, "EMFILE", EMFILE, true},
    {damage::kind::error, function::signalfd, "EMFILE", EMFILE, false},
    {damage::kind::error, function::memfd_create, "EMFILE", EMFILE, true},
    {damage::kind::error, function::memfd_create, "ENOSYS", ENOSYS, true},
    {damage::kind::error, function::ftruncate, "ENOSPC", ENOSPC, true},
    {damage::kind::error, function::mmap, "ENOMEM", ENOMEM, false},
    {damage::kind::error, function::madvise, "ENOMEM", ENOMEM, true},
    {damage::kind::error, function::open, "EMFILE", EMFILE, true},
    {damage::kind::error, function::opendir, "EMFILE", EMFILE, true},
    {damage::kind::error, function::dup_by_fcntl, "EMFILE", EMFILE, false},
    {damage::kind::error, function::dup2, "EINTR", EINTR, true},
    {damage::kind::error, function::pthread_create, "EAGAIN", EAGAIN, false},
};

inline constexpr unsigned generations = 3;  // the first process, those that it forks, and those that they fork

/// Shared by all processes that are counted.
struct control {
  std::atomic<bool> armed = false;
  std::atomic<bool> done = false;            ///< the damage has been dealt
  std::atomic<std::uint32_t> bad_closes = 0;  ///< of descriptors that were not open, by the first process
  unsigned generation = 0;
  std::size_t damage = ~std::size_t{0};  ///< an index of `damages`; beyond: only count
  std::uint64_t call = 0;                ///< from 1
  std::atomic<std::uint64_t> calls[generations][functions] = {};
};

/// That of this process; to be set before `arm`.
control& plan() noexcept;
/// Counts from here on; this process is the first one.
void arm() noexcept;
void disarm() noexcept;

}  // namespace faults
