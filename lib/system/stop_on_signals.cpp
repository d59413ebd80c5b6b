#include <procx/system/stop_on_signals.hpp>

#include "system/stop_level.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace procx::inline v1 {
namespace {

std::atomic<bool> wanted{false};
std::atomic<int> came{0};
std::atomic<int> first{0};
std::atomic<detail::signal_bits> stop_signals_here{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

/// How many came before.
int count(int signal) noexcept {
  int none = 0;
  first.compare_exchange_strong(none, signal);
  return came.fetch_add(1);
}

void note(int signal) {
  if (count(signal) < 2) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);  // comes when this handler returns
}

}  // namespace

void stop_on_signals(std::initializer_list<int> signals) {
  wanted = true;
  stop_signals_here |= detail::bit_of(SIGINT) | detail::bit_of(SIGTERM);
  for (int const signal : signals) {
    struct sigaction present {};
    ::sigaction(signal, nullptr, &present);
    if (present.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    if (::sigaction(signal, &action, nullptr) != 0)
      throw boost::system::system_error(errno, boost::system::system_category(), "cannot stop on this signal");
    stop_signals_here |= detail::bit_of(signal);
  }
}

int stop_signal() noexcept { return first; }
void count_stop_signal(int signal) noexcept { count(signal); }

namespace detail {

bool stops_on_signals() noexcept { return wanted.load(std::memory_order_relaxed); }

int stop_level() noexcept { return std::min(came.load(std::memory_order_relaxed), 2); }

signal_bits stop_signals() noexcept { return stop_signals_here.load(std::memory_order_relaxed); }
void stop_signals_are(signal_bits signals) noexcept { stop_signals_here.store(signals, std::memory_order_relaxed); }

task_cancelled stopped() {
  char const* const name = ::sigabbrev_np(stop_signal());
  return task_cancelled("stopped by SIG" + std::string(name ? name : "?"));
}

}  // namespace detail
}  // namespace procx::inline v1
