#include "process/death_watch.hpp"

#include "system/generation.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procx::inline v1::detail {

bool has_pidfds() noexcept {
  // Of no process: the only question is whether the call exists.
  return ::syscall(SYS_pidfd_open, -1, 0) >= 0 || errno != ENOSYS;
}

descriptor death_watch::of(pid_t child) && {
  if (pipe_.first) return std::move(pipe_.first);
  try {
    return open_pidfd(child);
  } catch (boost::system::system_error const& e) {
    if (e.code() != boost::system::errc::no_such_process) throw;
    auto const held = hold_forks();
    return descriptor::take(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  }
}

}  // namespace procx::inline v1::detail
