// Each call of the system that procx makes fails once, or does less than it might: every task still comes to one end.
//
// PROCX_FAULTS=all tries every call in turn (scripts/torture faults); otherwise one in each place, which takes seconds.
// PROCX_FAULTS="MODE WORDS PROCESS DAMAGE CALL" tries that one alone, as it was reported.
#define BOOST_TEST_MODULE faults
#include "workload/workload.hpp"
#include "preload/faults.hpp"
#include "process/process_state.hpp"
#include "support/observe.hpp"

#include <procx/channel/start.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = observe::instrumented ? 60s : 15s;  // what takes longer hangs

struct scenario {
  workload::mode how;
  std::size_t words;
  std::size_t tasks;
};
constexpr std::size_t large = 12 * 1024;  // words: an argument and a result in shared memory

std::vector<scenario> const scenarios{
    {workload::mode::queue, 4, 3},          {workload::mode::queue_reuse, 4, 12},    {workload::mode::queue_reuse, large, 4},
    {workload::mode::map, 4, 3},            {workload::mode::map_reuse, large, 4},   {workload::mode::pmap, 4, 30},
    {workload::mode::pmap, large, 5},       {workload::mode::pmap_unordered, 4, 30}, {workload::mode::process_pool, 4, 20},
    {workload::mode::process_pool, large, 4}, {workload::mode::parallel_queue, 4, 20}, {workload::mode::parallel_queue, large, 4},
    {workload::mode::channel, 4, 6},        {workload::mode::channel, 40 * 1024, 3},
};

struct injection {
  unsigned process = 0;
  std::size_t damage = ~std::size_t{0};  // none
  std::uint64_t call = 0;
};

std::string text_of(scenario const& s, injection const& i) {
  std::ostringstream out;
  out << workload::name_of(s.how) << " of " << s.words << " words";
  if (i.damage < std::size(faults::damages)) {
    auto const& d = faults::damages[i.damage];
    out << ", in process " << i.process << " call " << i.call << " of " << faults::names[static_cast<unsigned>(d.where)]
        << ": " << d.name;
  }
  out << "  (PROCX_FAULTS=\"" << static_cast<int>(s.how) << ' ' << s.words << ' ' << i.process << ' ' << i.damage << ' '
      << i.call << "\")";
  return out.str();
}

/// What the process that runs a scenario says of it.
struct report {
  bool dealt = false;
  std::size_t values = 0;
  std::size_t failed = 0;
  std::uint64_t calls[faults::generations][faults::functions] = {};
  char complaint[400] = {};  // empty: all is well
};

void complain(report& r, std::string const& text) {
  if (!r.complaint[0]) std::snprintf(r.complaint, sizeof r.complaint, "%s", text.c_str());
}

/// Channels leave their processes alone when they go: those end, and are reaped in passing.
void wait_for_abandoned(std::size_t descriptors) {
  auto const until = clock::now() + 3s;
  while (observe::open_descriptors() != descriptors && clock::now() < until) {
    ::usleep(200);
    procx::detail::reap_abandoned();
  }
}

/// In a process of its own, in which nothing of procx has been used.
void run_scenario(scenario const& s, injection const& i, report& r) {
  if (s.how == workload::mode::channel) procx::start_nursery();
  auto const descriptors = observe::open_descriptors();
  auto& plan = faults::plan();
  plan.generation = i.process;
  plan.damage = i.damage;
  plan.call = i.call;
  bool const none = i.damage >= std::size(faults::damages);
  bool const harmless = none || faults::damages[i.damage].harmless;
  faults::arm();
  try {
    workload::tally const t = workload::run({.how = s.how, .tasks = s.tasks, .words = s.words});
    r.values = t.values;
    r.failed = t.failed();
    if (harmless && t.failed() > 0) complain(r, "what should do no harm did: " + t.text());
  } catch (...) {
    std::string name;
    if (!workload::is_documented(std::current_exception(), name) || harmless) complain(r, "thrown: " + name);
  }
  faults::disarm();
  r.dealt = plan.done;
  for (unsigned g = 0; g < faults::generations; ++g)
    for (std::size_t f = 0; f < faults::functions; ++f) r.calls[g][f] = plan.calls[g][f];
  if (s.how == workload::mode::channel) wait_for_abandoned(descriptors);
  if (observe::open_descriptors() != descriptors)
    complain(r, std::to_string(descriptors) + " descriptors before, " + std::to_string(observe::open_descriptors()) + " after");
  if (plan.bad_closes > 0) complain(r, "a descriptor was closed that was not open");
  if (s.how != workload::mode::channel && observe::has_children()) complain(r, "a child is left");
}

/// Reaps all that has been left to this process; whether all of it has ended by itself within some time.
bool all_gone() {
  auto const until = clock::now() + 3s;
  for (;;) {
    pid_t const pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid < 0) return true;
    if (pid > 0) continue;
    if (clock::now() > until) return false;
    ::usleep(200);
  }
}

struct result {
  report what;
  std::chrono::milliseconds took{0};
};

result run_apart(scenario const& s, injection const& i) {
  observe::shared<report> said;
  auto const began = clock::now();
  pid_t const pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGALRM}) ::signal(signal, SIG_DFL);
    run_scenario(s, i, *said);
    ::_exit(0);
  }
  processes::own_fd const ended = processes::pidfd_of(pid);
  pollfd readable{ended.get(), POLLIN, 0};
  bool const hung = ::poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 0;
  auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began);
  if (hung) {
    if (std::getenv("PROCX_FAULTS_WAIT")) {
      std::printf("process %d hangs: %s\n", static_cast<int>(pid), text_of(s, i).c_str());
      std::fflush(stdout);
      ::pause();
    }
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (hung)
    complain(*said, "hangs");
  else if (!WIFEXITED(status))
    complain(*said, "killed by signal " + std::to_string(WTERMSIG(status)));
  if (!all_gone()) {
    complain(*said, "a process is left");
    do
      for (pid_t const left : observe::children_of(::getpid())) ::kill(left, SIGKILL);
    while (!all_gone());
  }
  return {*said, took};
}

struct counts {
  std::size_t tried = 0, dealt = 0, noticed = 0, bad = 0, slow = 0;
};

void try_one(scenario const& s, injection const& i, counts& sum) {
  result const r = run_apart(s, i);
  ++sum.tried;
  sum.dealt += r.what.dealt;
  sum.noticed += r.what.dealt && r.what.values < s.tasks;
  if (r.took > 2s) {
    ++sum.slow;
    BOOST_TEST_MESSAGE("took " << r.took.count() << " ms: " << text_of(s, i));
  }
  sum.bad += r.what.complaint[0] != 0;
  BOOST_TEST(r.what.complaint[0] == 0, r.what.complaint << ": " << text_of(s, i));
}

/// Every call, or the first, the last and one in the middle in turn.
void try_calls(scenario const& s, report const& clean, bool all, unsigned& turn, counts& sum) {
  for (std::size_t d = 0; d < std::size(faults::damages); ++d)
    for (unsigned process = 0; process < faults::generations; ++process) {
      std::uint64_t const calls = clean.calls[process][static_cast<unsigned>(faults::damages[d].where)];
      if (all) {
        for (std::uint64_t call = 1; call <= calls; ++call) try_one(s, {process, d, call}, sum);
      } else if (calls > 0) {
        std::uint64_t const places[] = {1, calls, calls / 2 + 1};
        if (++turn % (observe::instrumented ? 12 : 3) == 0) try_one(s, {process, d, places[turn / 3 % 3]}, sum);
      }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults_of_the_system)

BOOST_AUTO_TEST_CASE(each_task_comes_to_one_end_whatever_call_fails) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  char const* const asked = std::getenv("PROCX_FAULTS");
  bool const all = asked && std::strcmp(asked, "all") == 0;
  if (asked && !all) {
    int how = 0;
    scenario s{};
    injection i;
    std::istringstream(asked) >> how >> s.words >> i.process >> i.damage >> i.call;
    for (scenario const& known : scenarios)
      if (known.how == static_cast<workload::mode>(how) && known.words == s.words) s = known;
    counts sum;
    try_one(s, i, sum);
    std::printf("dealt: %zu, noticed: %zu\n", sum.dealt, sum.noticed);
    return;
  }
  counts sum;
  unsigned turn = 0;
  for (scenario const& s : scenarios) {
    result const clean = run_apart(s, {});
    BOOST_TEST_REQUIRE(clean.what.complaint[0] == 0, clean.what.complaint << ": " << text_of(s, {}));
    BOOST_TEST_REQUIRE(clean.what.values == s.tasks);
    auto const before = sum;
    auto const began = clock::now();
    try_calls(s, clean.what, all, turn, sum);
    std::printf("%s of %zu words: %zu calls damaged, %zu noticed, %zu bad, %.1f s\n", workload::name_of(s.how), s.words,
                sum.dealt - before.dealt, sum.noticed - before.noticed, sum.bad - before.bad,
                std::chrono::duration<double>(clock::now() - began).count());
    std::fflush(stdout);
  }
  std::printf("in all: %zu tried, %zu dealt, %zu noticed as a documented error, %zu slow, %zu bad\n", sum.tried, sum.dealt,
              sum.noticed, sum.slow, sum.bad);
  BOOST_TEST(sum.dealt > sum.tried / 2);
}

BOOST_AUTO_TEST_SUITE_END()
