#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>

namespace procx::inline v1::detail {

/// A write to a pipe that nobody reads raises SIGPIPE for this thread, and kernels before 6.18 have no flag against it; one
/// to a file that is as large as it may be, SIGXFSZ. The signal is blocked meanwhile, and the one that was raised is taken
/// back before it can be delivered. One that was pending before is the user's and stays: ours has become one with it.
class without_signal {
 public:
  explicit without_signal(int signal) noexcept {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    if (!::sigismember(&before_, signal)) return;
    sigset_t pending;
    ::sigpending(&pending);
    theirs_ = ::sigismember(&pending, signal) == 1;
  }
  void take_back() noexcept {
    if (theirs_) return;
    timespec const at_once{};
    while (::sigtimedwait(&set_, nullptr, &at_once) < 0 && errno == EINTR) {}
  }
  ~without_signal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t set_{};
  sigset_t before_{};
  bool theirs_ = false;
};

}  // namespace procx::inline v1::detail
