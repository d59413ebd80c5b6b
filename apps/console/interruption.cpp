#include "console/interruption.hpp"

#include <procx/system/stop_on_signals.hpp>

#include <atomic>
#include <csignal>

namespace console {
namespace {

std::atomic<int> came{0};

void note(int signal) { came = signal; }
void note_and_stop(int signal) {
  note(signal);
  for (int i = 0; i < 2; ++i) procx::count_stop_signal(signal);  // the second: tasks that run are stopped as well
}

}  // namespace

void watch_for_interruption(running_work then) {
  procx::stop_on_signals({});
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present = {};
    ::sigaction(signal, nullptr, &present);
    if (present.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = then == running_work::is_stopped ? note_and_stop : note;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

int interruption() noexcept { return came; }

}  // namespace console
