// A process from its start until it has answered and is reaped, from a small and from a large parent. The program by
// posix_spawn does not answer; it only ends.

#include "cases.hpp"
#include "python.hpp"
#include "raw.hpp"

#include <procx/procx.hpp>

#include <cstdlib>
#include <memory>
#include <string>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

namespace px = procx;

constexpr int answer = 42;

/// Memory that is in use, in pages of the usual size, until the process ends.
void use_memory(std::size_t bytes) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  check(memory != MAP_FAILED, "not enough memory");
}

void px_once(px::start_method method) {
  px::channel ch = px::start(px::start_options{.method = method}, [](px::channel& up) { up.send(answer); });
  check(ch.receive<int>() == answer);
  check(ch.wait().success(), "it did not end well");
}

void fork_once() {
  int ends[2];
  check_call(::pipe2(ends, O_CLOEXEC), "pipe2");
  auto const pid = static_cast<pid_t>(check_call(::fork(), "fork"));
  if (pid == 0) {
    write_all(ends[1], &answer, sizeof answer);
    ::_exit(0);
  }
  int n = 0, status = 0;
  check(read_all(ends[0], &n, sizeof n) && n == answer);
  check(::waitpid(pid, &status, 0) == pid && status == 0, "it did not end well");
  ::close(ends[0]);
  ::close(ends[1]);
}

void spawn_once() {
  pid_t pid = 0;
  int status = 0;
  char name[] = "true";
  char* const argv[] = {name, nullptr};
  check(::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, ::environ) == 0, "cannot spawn /bin/true");
  check(::waitpid(pid, &status, 0) == pid && status == 0, "it did not end well");
}

struct plan {
  std::size_t starts;
  std::size_t memory;
};

template <class Once>
measured repeat(plan const& p, Once once) {
  use_memory(p.memory);
  once();
  std::vector<double> times;
  for (std::size_t i = 0; i < p.starts; ++i) {
    stopwatch const time;
    once();
    times.push_back(time.seconds() * 1e3);
  }
  return {quantile(times, 0.5)};
}

measured px_start(plan const& p, px::start_method method) {
  if (method == px::start_method::nursery) px::start_nursery();
  return repeat(p, [=] { px_once(method); });
}

race starts(std::string const& parent, plan p) {
  using enum px::start_method;
  std::vector<std::string> const numbers{std::to_string(p.starts), std::to_string(p.memory)};
  return {
      .title = "start to end of a process, parent of " + parent,
      .unit = "ms",
      .reference = "fork, waitpid",
      .contenders = {{"px::start, fork", [=] { return px_start(p, fork); }},
                     {"px::start, early nursery", [=] { return px_start(p, nursery); }},
                     {"fork, waitpid", [=] { return repeat(p, fork_once); }},
                     {"px::start, exec", [=] { return px_start(p, exec); }, "posix_spawn of /bin/true"},
                     {"posix_spawn of /bin/true", [=] { return repeat(p, spawn_once); }},
                     in_python("Python Process, fork", "start.py", numbers)},
      .most_rounds = p.memory > (std::size_t{1} << 30) ? 3u : 100u,
  };
}

}  // namespace

std::vector<race> start(effort e) {
  constexpr std::size_t mib = std::size_t{1} << 20;
  return {starts("10 MiB", {e.of(100, 2), 10 * mib}),
          e.quick ? starts("16 MiB", {2, 16 * mib}) : starts("2 GiB", {5, 2048 * mib})};
}

}  // namespace bench
