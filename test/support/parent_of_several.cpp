// Creates processes in several ways, tells their pids on stdout as text, a line each and then an empty one, and waits
// to be killed.

#include "process/nursery.hpp"

#include <procx/channel/start.hpp>

#include <cstdio>
#include <memory>
#include <vector>

#include <unistd.h>

namespace {

void tell(pid_t pid) { std::printf("%d\n", static_cast<int>(pid)); }

[[noreturn]] void stay() {
  for (;;) ::pause();  // reads nothing, so no end-of-file wakes it
}

}  // namespace

int main() {
  std::vector<procx::channel> channels;
  channels.push_back(procx::start([](procx::channel&) { stay(); }));
  channels.push_back(procx::start([](procx::channel& up) {
    procx::channel inner = procx::start([](procx::channel&) { stay(); });
    up.send(inner.pid());
    stay();
  }));
  pid_t const inner = channels.back().receive<pid_t>();
  channels.push_back(procx::create());
  if (channels.back().pid() == 0) stay();

  auto const home = procx::detail::nursery::make([](procx::detail::nursery_order const&) -> int { stay(); });
  auto const spawned = home->spawn({}, {});

  for (procx::channel const& ch : channels) tell(ch.pid());
  tell(inner);
  tell(home->pid());
  tell(spawned->pid());
  std::printf("\n");
  std::fflush(stdout);
  stay();
}
