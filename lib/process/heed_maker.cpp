#include "process/heed_maker.hpp"

#include "system/stop_level.hpp"

#include <csignal>

#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

pid_t maker = 0;
pid_t parent = 0;   // the nursery, which sends what the maker orders; else the maker
pid_t heeding = 0;  // the process that was told to heed its maker; its own children are not procx's

/// Async-signal-safe.
void on_signal(int signal, siginfo_t* info, void*) {
  pid_t const self = ::getpid();
  bool const sent = info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL;
  bool const known = info->si_pid == maker || info->si_pid == parent || info->si_pid == self;
  bool const heard = sent ? known : info->si_code != SI_KERNEL;
  if (!heard && self == heeding) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);  // comes when this handler returns
}

}  // namespace

void heed_only_maker(makers_signals const& signals) noexcept {
  maker = signals.maker;
  parent = ::getppid();
  heeding = ::getpid();
  stop_signals_are(signals.which);
  for (int s = 1; s <= 64; ++s) {
    struct sigaction present {};
    if (!(signals.which & bit_of(s)) || ::sigaction(s, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigaction(s, &action, nullptr);
  }
}

void heed_maker_since_exec() noexcept {
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  makers_signals signals{.maker = ::getppid()};
  for (int s = 1; s <= 64; ++s)
    if (::sigismember(&blocked, s) == 1) signals.which |= bit_of(s);
  heed_only_maker(signals);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

sigset_t set_of(signal_bits signals) noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (int s = 1; s <= 64; ++s)
    if (signals & bit_of(s)) ::sigaddset(&set, s);
  return set;
}

}  // namespace procx::inline v1::detail
