#include "apart.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

enum class verdict : std::uint32_t { done, unavailable, failed };

/// What the process writes to its parent: one small write, so it comes whole.
struct report {
  verdict how = verdict::failed;
  measured figures;
  std::array<char, 200> note{};

  void say(std::string_view text) { text.copy(note.data(), note.size() - 1); }
};

report run_here(contender const& who, pinning const& where) {
  report r;
  try {
    where.apply();
    r.figures = who.run();
    r.how = verdict::done;
  } catch (unavailable const& e) {
    r.how = verdict::unavailable;
    r.say(e.what());
  } catch (std::exception const& e) {
    r.say(e.what());
  }
  return r;
}

pid_t fork_runner(contender const& who, pinning const& where, int to) {
  std::fflush(nullptr);  // or it would be said twice
  auto const pid = static_cast<pid_t>(check_call(::fork(), "fork"));
  if (pid != 0) return pid;
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  report const r = run_here(who, where);
  ::_exit(::write(to, &r, sizeof r) == sizeof r ? 0 : 1);
}

/// What the process has to say; a failure if it says nothing in time.
report await_report(int from, std::chrono::milliseconds limit) {
  report r;
  pollfd watched{from, POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(limit.count())) == 0)
    r.say("not done in time");
  else if (::read(from, &r, sizeof r) != sizeof r)
    r.say("its process died");
  return r;
}

/// What a contender has left behind comes to this process, and is awaited for a while: it would disturb the next one.
void reap_the_rest() {
  stopwatch const time;
  for (pid_t ended = 0; (ended = ::waitpid(-1, nullptr, WNOHANG)) >= 0 && time.seconds() < 10;)
    if (ended == 0) ::usleep(1000);
}

}  // namespace

run_outcome run_apart(contender const& who, pinning const& where, std::chrono::seconds limit) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  check_call(::pipe2(ends, O_CLOEXEC), "pipe2");
  pid_t const pid = fork_runner(who, where, ends[1]);
  ::setpgid(pid, pid);
  ::close(ends[1]);
  report const r = await_report(ends[0], limit);
  ::close(ends[0]);
  ::kill(-pid, SIGKILL);  // it, and what it may have left
  ::waitpid(pid, nullptr, 0);
  reap_the_rest();

  if (r.how == verdict::done) return {r.figures, false, {}};
  return {std::nullopt, r.how == verdict::failed, r.note.data()};
}

}  // namespace bench
