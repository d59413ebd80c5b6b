// Tasks that have done nothing wrong are not made to pay for what others do, nor for how slow the program itself is.
#define BOOST_TEST_MODULE innocent_tasks
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <ranges>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

/// More than a pipe holds, in parts too small for shared memory.
std::map<int, std::string> many_parts(int n) {
  std::map<int, std::string> parts;
  for (int i = 0; i < 3000; ++i) parts[i] = std::string(60, static_cast<char>('a' + n % 26));
  return parts;
}

std::size_t much_output(int n) {
  std::string const line(100, 'x');
  for (int i = 0; i < 2000; ++i) std::cerr << line << '\n';
  return static_cast<std::size_t>(n);
}

/// The caller has other things to do between the first results.
template <class F>
std::size_t failures_for_a_slow_consumer(F fn) {
  px::pmap_options options{.workers = 2, .task_timeout = 200ms};
  options.log = [](px::log_line const&) {};
  std::size_t failures = 0, taken = 0;
  auto results = px::pmap(fn, std::views::iota(0, 12), options);
  for (auto const& o : results.outcomes()) {
    failures += !o;
    if (++taken < 4) ::usleep(500'000);
  }
  BOOST_TEST(taken == 12u);
  return failures;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(innocent_tasks, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(waiting_for_somebody_to_take_the_result_is_not_running) {
  BOOST_TEST(failures_for_a_slow_consumer(many_parts) == 0u);
}

BOOST_AUTO_TEST_CASE(nor_is_waiting_for_somebody_to_take_what_was_printed) {
  BOOST_TEST(failures_for_a_slow_consumer(much_output) == 0u);
}

BOOST_AUTO_TEST_CASE(while_the_program_is_stopped_the_time_of_its_tasks_stands_still) {
  observe::shared<std::atomic<int>> const taken;
  pid_t const program = ::fork();
  if (program == 0) {
    ::alarm(60);
    px::pmap_options options{.workers = 2, .task_timeout = 300ms};
    options.log = [](px::log_line const&) {};
    int failures = 0;
    for (auto const& o : px::pmap(much_output, std::views::iota(0, 60), options).outcomes()) {
      failures += !o;
      ++*taken;
    }
    ::_exit(failures);
  }
  for (int stops = 0; stops < 2; ++stops) {
    int const before = *taken;
    while (*taken == before && ::waitpid(program, nullptr, WNOHANG | WNOWAIT) == 0) ::usleep(500);
    ::kill(program, SIGSTOP);
    ::usleep(700'000);
    ::kill(program, SIGCONT);
  }
  int status = 0;
  ::waitpid(program, &status, 0);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_CASE(what_a_worker_had_finished_is_not_lost_when_it_can_write_no_more) {
  for (int const workers : {1, 2}) {
    auto const closes = [](int n) {
      if (n == 5) ::close_range(3, ~0u, 0);
      return n;
    };
    int bad = 0, count = 0;
    auto results = px::pmap(closes, std::views::iota(0, 500), {.workers = workers});
    for (auto const& o : results.outcomes()) {
      ++count;
      bad += !o && o.index() != 5;
    }
    BOOST_TEST(count == 500);
    BOOST_TEST(bad == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_process_of_an_exchange_may_wait_for_its_caller_too) {
  px::queue<std::map<int, std::string>> q({.limit = 2, .task_timeout = 200ms});
  for (int n = 0; n < 4; ++n) q.start(px::make_parallel(many_parts), n);
  int good = 0;
  for (auto const& o : q.outcomes()) {
    good += o.has_value();
    ::usleep(400'000);
  }
  BOOST_TEST(good == 4);
}

BOOST_AUTO_TEST_SUITE_END()
