#define BOOST_TEST_MODULE sandbox
// What works where the system refuses calls that procx can do without, each for itself and all together.
#include "support/sandbox.hpp"

#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/channel/program.hpp>
#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

int twice(int n) { return 2 * n; }
std::vector<char> large(int n) { return std::vector<char>(std::size_t{1} << 20, static_cast<char>(n)); }
int never(int) { return ::pause(); }
int dies(int) { ::abort(); }
void doubler(px::channel& up) { up.send(2 * up.receive<int>()); }
void waits(px::channel& up) { up.receive<int>(); }

void a_map() {
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  int n = 0;
  for (int const r : px::pmap(twice, numbers, {.workers = 2})) CHILD_CHECK(r == 2 * n++);
  CHILD_CHECK(n == 100);
  std::vector<int> const seven{7};
  for (auto const& v : px::pmap(large, seven, {.workers = 1})) CHILD_CHECK(v.at(1000) == 7);
}

void a_pool() {
  px::process_pool pool({.workers = 2});
  auto value = pool.submit(twice, 4), death = pool.submit(dies, 0);
  CHILD_CHECK(value.get() == 8);
  try {
    death.get();
    CHILD_CHECK(false);
  } catch (px::process_died const& e) {
    CHILD_CHECK(e.status().signal() == SIGABRT);
  }
  CHILD_CHECK(pool.submit(twice, 5).get() == 10);
}

void a_time_limit() {
  px::process_pool pool({.workers = 1, .task_timeout = 20ms, .grace = 1ms});
  try {
    pool.submit(never, 0).get();
    CHILD_CHECK(false);
  } catch (px::task_timeout const&) {
  }
}

void speak(px::channel ch) {
  ch.send(21);
  CHILD_CHECK(ch.receive<int>() == 42);
  CHILD_CHECK(ch.wait().success());
}

void channels() {
  speak(px::start(doubler));
  speak(px::start_clean(doubler));
  CHILD_CHECK(px::start_program("/bin/true").wait().success());
  px::channel killed = px::start(waits);
  CHILD_CHECK(killed.kill(SIGKILL));
  CHILD_CHECK(killed.wait().signal() == SIGKILL);
  CHILD_CHECK(!killed.kill(SIGKILL));
  try {
    px::start_program("/no/such/program");
    CHILD_CHECK(false);
  } catch (boost::system::system_error const& e) {
    CHILD_CHECK(e.code().value() == ENOENT);
  }
}

void a_program_keeps_nothing() {
  processes::own_pipe open;  // not to be closed by others
  px::channel sh = px::start_program("/bin/sh", {"-c", "test ! -e /proc/self/fd/" + std::to_string(open.write.get())});
  CHILD_CHECK(sh.wait().success());
}

void refused(std::vector<long> const& calls, std::string const& name) {
  for (int const error : sandbox::usual_errors)
    BOOST_TEST_CONTEXT(name << " answers with error " << error) BOOST_TEST(processes::code_of_fork([&] {
      ::alarm(120);
      CHILD_CHECK(sandbox::refuse({calls, error}));
      for (auto const& part : {a_map, a_pool, a_time_limit, channels, a_program_keeps_nothing}) part();
      return 0;
    }) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sandbox_around_everything, *boost::unit_test::enable_if<!observe::instrumented>())

BOOST_AUTO_TEST_CASE(one_call_is_refused) {
  for (auto const& call : sandbox::optional_calls) refused({call.number}, call.name);
}

BOOST_AUTO_TEST_CASE(all_of_them_are_refused) { refused(sandbox::all_optional_calls(), "all"); }

BOOST_AUTO_TEST_CASE(a_sandbox_that_comes_later_changes_nothing) {
  BOOST_TEST(processes::code_of_fork([] {
    px::process_pool before({.workers = 1});
    px::channel waiting = px::start(waits);
    CHILD_CHECK(before.submit(twice, 1).get() == 2);
    CHILD_CHECK(sandbox::refuse({sandbox::all_optional_calls(), EPERM}));
    CHILD_CHECK(before.submit(twice, 2).get() == 4);
    CHILD_CHECK(waiting.kill(SIGTERM));
    CHILD_CHECK(waiting.wait().signal() == SIGTERM);
    for (auto const& part : {a_map, a_pool, channels}) part();
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_without_is_named) {
  sandbox::call const needed[]{{"pipe2", SYS_pipe2}, {"socketpair", SYS_socketpair}};
  for (auto const& call : needed)
    BOOST_TEST_CONTEXT(call.name) BOOST_TEST(processes::code_of_fork([&] {
      CHILD_CHECK(sandbox::refuse({{call.number}, EPERM}));
      try {
        px::channel ch = px::start(px::start_options{.via = px::transport::socket}, waits);
        CHILD_CHECK(false);
      } catch (std::exception const& e) {
        CHILD_CHECK(std::string(e.what()).find(call.name) != std::string::npos);
      }
      return 0;
    }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
