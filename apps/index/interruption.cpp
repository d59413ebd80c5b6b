#include "interruption.hpp"

#include <procx/system/stop_on_signals.hpp>

#include <csignal>

namespace indexer {
namespace {

void note(int signal) {
  for (int i = 0; i < 2; ++i) procx::count_stop_signal(signal);  // the second: nobody waits for what runs
}

}  // namespace

void watch_for_interruption() {
  procx::stop_on_signals({});
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present = {};
    ::sigaction(signal, nullptr, &present);
    if (present.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

int interruption() noexcept { return procx::stop_signal(); }

}  // namespace indexer
