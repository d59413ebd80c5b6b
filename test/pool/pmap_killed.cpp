#define BOOST_TEST_MODULE pmap_killed
#include "process/process_state.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <random>
#include <ranges>
#include <set>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace px = procx;

namespace {

std::pair<pid_t, int> with_pid(int n) { return {::getpid(), n * 3}; }
int const tasks = observe::instrumented ? 10'000 : 100'000;

/// Whether it is a child, or a grandchild of this process: then it is a worker, and nobody else has its pid by now.
bool is_worker(pid_t pid) {
  pid_t const parent = observe::parent_of(pid);
  return parent > 1 && observe::parent_of(parent) == ::getpid();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pmap_killed, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(workers_killed_from_outside_at_random_cost_at_most_the_task_they_ran) {
  std::minstd_rand random(4711);
  for (int const workers : {1, 2, 11}) {
    int kills = 0, failed = 0;
    std::size_t expected = 0;
    std::set<pid_t> killed;
    int next = 1000;
    for (auto const& o : px::pmap(with_pid, std::views::iota(0, tasks / 3), {.workers = workers}).outcomes()) {
      BOOST_TEST_REQUIRE(o.index() == expected++);
      if (!o) {
        BOOST_CHECK_THROW(o.value(), px::process_died);
        ++failed;
        continue;
      }
      BOOST_TEST_REQUIRE(o->second == static_cast<int>(o.index()) * 3);
      if (--next > 0 || !is_worker(o->first) || !killed.insert(o->first).second) continue;
      ::kill(o->first, SIGKILL);
      ++kills;
      next = static_cast<int>(random() % 4000);
    }
    BOOST_TEST(expected == static_cast<std::size_t>(tasks / 3));
    BOOST_TEST(kills > 0);
    BOOST_TEST(failed <= kills);
  }
}

BOOST_AUTO_TEST_CASE(a_nursery_killed_meanwhile_is_replaced) {
  for (int const workers : {1, 2, 11}) {
    int kills = 0, failed = 0;
    std::size_t expected = 0;
    std::set<pid_t> killed;
    for (auto const& o : px::pmap(with_pid, std::views::iota(0, 20'000), {.workers = workers}).outcomes()) {
      BOOST_TEST_REQUIRE(o.index() == expected++);
      if (!o) {
        ++failed;
        continue;
      }
      BOOST_TEST_REQUIRE(o->second == static_cast<int>(o.index()) * 3);
      if (o.index() % 4000 != 2000 || !is_worker(o->first)) continue;
      pid_t const nursery = observe::parent_of(o->first);
      if (!killed.insert(nursery).second) continue;
      ::kill(nursery, SIGKILL);
      ++kills;
    }
    BOOST_TEST(expected == 20'000u);
    BOOST_TEST(kills > 0);
    BOOST_TEST(failed <= kills * workers);
  }
}

BOOST_AUTO_TEST_CASE(workers_that_become_children_when_their_nursery_is_killed_are_reaped) {
  auto const code = processes::code_of_fork([] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    {
      px::process_pool pool({.workers = 2, .retries = 9});  // a worker may die with its nursery in the middle of a task
      for (int i = 0; i < 3; ++i) {
        pid_t const nursery = pool.submit([] { return ::getppid(); }).get();
        ::kill(nursery, SIGKILL);
        while (pool.submit([] { return ::getppid(); }).get() == nursery) {}
      }
    }
    for (int i = 0; observe::has_children() && i < 2000; ++i) {
      procx::detail::reap_abandoned();
      ::usleep(1000);
    }
    return observe::has_children() ? 1 : 0;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(a_nursery_killed_before_the_first_task_is_replaced_too) {
  auto m = px::pmap(with_pid, std::views::iota(0, 100), {.workers = 2});
  siginfo_t info{};
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t nursery = 0;
  if (!(children >> nursery)) return;  // this system does not tell
  ::kill(nursery, SIGKILL);
  BOOST_TEST(::waitid(P_PID, static_cast<id_t>(nursery), &info, WEXITED | WNOWAIT) == 0);
  int good = 0;
  for (auto const& o : m.outcomes()) good += o.has_value();
  BOOST_TEST(good == 100);
}

BOOST_AUTO_TEST_SUITE_END()
