#define BOOST_TEST_MODULE parallel_queue_faults
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }
int throw_it(std::string const& what) { throw std::range_error(what); }
int kill_it(int signal) {
  ::raise(signal);
  return 0;
}

template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_faults, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(each_failure_comes_in_its_own_place_and_the_queue_goes_on) {
  for (int const workers : {1, 2, 11}) {
    px::parallel_queue<int> queue({.workers = workers});
    for (int n = 0; n < 30; ++n) {
      queue.put(square, n);
      queue.put(throw_it, "thrown " + std::to_string(n));
      queue.put(kill_it, n % 2 ? SIGKILL : SIGSEGV);
    }
    for (int n = 0; n < 30; ++n) {
      BOOST_TEST(queue.get() == n * n);
      try {
        queue.get();
        BOOST_ERROR("it was thrown");
      } catch (px::remote_exception const& e) {
        BOOST_TEST(e.message() == "thrown " + std::to_string(n));
        BOOST_TEST(!e.stack_trace().empty());
      }
      try {
        queue.get();
        BOOST_ERROR("it has died");
      } catch (px::process_died const& e) {
        if (!processes::sanitized) BOOST_TEST(e.status().signal() == (n % 2 ? SIGKILL : SIGSEGV));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flood_of_failures_with_a_bound_of_two_neither_hangs_nor_grows) {
  int const count = processes::sanitized ? 100 : 500;
  for (bool const dies : {false, true}) {
    px::parallel_single_task_queue queue([dies](int n) { return dies ? kill_it(SIGKILL) : throw_it(std::to_string(n)); },
                                         {.workers = 2, .capacity = 2});
    std::thread producer([&] {
      for (int n = 0; n < count; ++n) queue.put(n);
      queue.stop();
    });
    int failures = 0;
    std::size_t most = 0;
    for (px::outcome<int> const& o : queue.outcomes()) {
      failures += !o;
      most = std::max(most, queue.size());
    }
    producer.join();
    BOOST_TEST(failures == count);
    BOOST_TEST(most <= 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_flood_of_failures_that_nobody_gets_stops_at_the_bound) {
  px::parallel_queue<int> queue({.workers = 2, .capacity = 2});
  BOOST_TEST(queue.try_put_for(10s, throw_it, "1"));
  BOOST_TEST(queue.try_put_for(10s, kill_it, SIGKILL));
  BOOST_TEST(!queue.try_put_for(20ms, throw_it, "3"));
  queue.stop();
  queue.join();
  BOOST_CHECK_THROW(queue.get(), px::remote_exception);
  BOOST_CHECK_THROW(queue.get(), px::process_died);
  BOOST_CHECK_THROW(queue.get(), px::queue_stopped);
}

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_long_is_stopped_and_nobody_else_is) {
  px::parallel_queue<int> queue({.workers = 2, .task_timeout = 50ms});
  queue.put([]() -> int { for (;;) ::pause(); });
  for (int n = 0; n < 100; ++n) queue.put(square, n);
  BOOST_CHECK_THROW(queue.get(), px::task_timeout);
  for (int n = 0; n < 100; ++n) BOOST_TEST(queue.get() == n * n);
}

BOOST_AUTO_TEST_CASE(retries_are_counted_for_each_task) {
  observe::shared<std::atomic<int>> tries(0);
  px::parallel_single_task_queue queue(
      [&](int dies) {
        if (++*tries < 3) dies ? kill_it(SIGKILL) : throw_it("not yet");
        return 17;
      },
      {.workers = 1, .retries = 2});
  for (int const dies : {0, 1}) {
    *tries = 0;
    queue.put(dies);
    BOOST_TEST(queue.get() == 17);
    BOOST_TEST(*tries == 3);
    *tries = -10;
    queue.put(dies);
    if (dies)
      BOOST_CHECK_THROW(queue.get(), px::process_died);
    else
      BOOST_CHECK_THROW(queue.get(), px::remote_exception);
    BOOST_TEST(*tries == -7);
  }
}

BOOST_AUTO_TEST_CASE(what_waits_can_be_cancelled_and_what_runs_asked_to_stop_or_killed) {
  observe::shared<std::atomic<int>> begun(0);
  px::parallel_single_task_queue queue(
      [&](int n) {
        ++*begun;
        while (n < 2 && !px::stop_requested()) ::usleep(100);
        return n;
      },
      {.workers = 1, .window = 1});
  using how = boost::asio::cancellation_type;
  std::uint64_t const first = queue.put(0), second = queue.put(1), third = queue.put(2), fourth = queue.put(3);
  until([&] { return *begun == 1; });
  queue.cancel(first, how::total);  // too late for that
  queue.cancel(third, how::total);
  queue.cancel(first, how::partial);
  BOOST_TEST(queue.get() == 0);
  until([&] { return *begun == 2; });
  queue.cancel(second);
  BOOST_CHECK_THROW(queue.get(), px::task_cancelled);
  BOOST_CHECK_THROW(queue.get(), px::task_cancelled);
  BOOST_TEST(queue.get() == 3);
  queue.cancel(fourth);
  queue.cancel(1000);
  BOOST_TEST(*begun == 3);
}

BOOST_AUTO_TEST_CASE(stop_returns_at_once_and_what_was_put_is_still_run) {
  gate held;
  px::parallel_single_task_queue queue([&](int n) { return held.wait(), n; }, {.workers = 2});
  for (int n = 0; n < 100; ++n) queue.put(n);
  queue.stop();
  BOOST_CHECK_THROW(queue.put(1), px::queue_stopped);
  BOOST_CHECK_THROW(queue.pass(1), px::queue_stopped);
  BOOST_CHECK_THROW((void)queue.try_put_for(10s, 1), px::queue_stopped);
  BOOST_TEST(!queue.join_for(20ms));
  BOOST_TEST(queue.is_alive());
  held.open();
  queue.join();
  BOOST_TEST(!queue.is_alive());
  BOOST_TEST(queue.workers() == 0u);
  BOOST_TEST(queue.size() == 100u);
  for (int n = 0; n < 100; ++n) BOOST_TEST(queue.get() == n);
  BOOST_CHECK_THROW(queue.get(), px::queue_stopped);
  queue.stop();
  queue.join();
}

BOOST_AUTO_TEST_CASE(join_comes_to_an_end_though_nobody_gets_and_both_bounds_are_full) {
  px::parallel_queue<std::string> queue({.workers = 2, .capacity = 50, .capacity_bytes = 100'000});
  int accepted = 0;
  while (queue.try_put_for(20ms, [] { return std::string(50'000, 'x'); })) ++accepted;
  BOOST_TEST(accepted >= 2);
  queue.stop();
  queue.join();
  for (int n = 0; n < accepted; ++n) BOOST_TEST(queue.get().size() == 50'000u);
  BOOST_CHECK_THROW(queue.get(), px::queue_stopped);
}

BOOST_AUTO_TEST_CASE(whoever_waits_is_told_of_the_stop) {
  gate held;
  px::parallel_single_task_queue queue([&](int n) { return held.wait(), n; }, {.workers = 1, .capacity = 1});
  queue.put(1);
  std::atomic<int> refused = 0, got = 0, ended = 0;
  std::thread producer([&] {
    try {
      queue.put(2);
    } catch (px::queue_stopped const&) {
      ++refused;
    }
  });
  std::thread joiner([&] { queue.join(); });
  std::vector<std::thread> consumers;
  for (int c = 0; c < 3; ++c)
    consumers.emplace_back([&] {
      try {
        got += queue.get();
      } catch (px::queue_stopped const&) {
        ++ended;
      }
    });
  BOOST_TEST(!queue.join_for(10ms));
  queue.stop();
  producer.join();
  held.open();
  for (std::thread& c : consumers) c.join();
  joiner.join();
  BOOST_TEST(refused == 1);
  BOOST_TEST(got == 1);
  BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_CASE(an_empty_queue_that_is_stopped_is_over) {
  px::parallel_queue<int> queue({.workers = 2});
  BOOST_TEST(queue.is_alive());
  queue.stop();
  queue.join();
  BOOST_TEST(!queue.is_alive());
}

BOOST_AUTO_TEST_CASE(a_queue_that_goes_kills_what_runs) {
  observe::shared<std::atomic<pid_t>> pid(0);
  {
    px::parallel_queue<int> unused({.workers = 2});
    px::parallel_single_task_queue queue([&](int n) {
      *pid = ::getpid();
      for (;;) ::pause();
      return n;
    });
    for (int n = 0; n < 100; ++n) queue.put(n);
    until([&] { return *pid != 0; });
  }
  BOOST_TEST(observe::has_ended(*pid));
}

BOOST_AUTO_TEST_CASE(a_queue_whose_workers_cannot_be_set_up_fails_its_tasks) {
  px::parallel_queue<int> queue({.workers = 2, .setup = [] { throw std::runtime_error("no license"); }});
  for (int n = 0; n < 10; ++n) queue.put(square, n);
  queue.pass(11);
  for (int n = 0; n < 10; ++n) {
    try {
      queue.get();
      BOOST_ERROR("no worker could be set up");
    } catch (px::remote_exception const& e) {
      BOOST_TEST(e.message() == "no license");
    }
  }
  BOOST_TEST(queue.get() == 11);
  queue.stop();
  queue.join();
}

BOOST_AUTO_TEST_SUITE_END()
