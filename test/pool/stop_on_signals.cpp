#define BOOST_TEST_MODULE stop_on_signals
#include "support/observe.hpp"
#include "support/stopping.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <future>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using stopping::in_own_process;
using stopping::is_cancelled;
using stopping::signals_are_prompt;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

pid_t program = 0;  // that is told to stop

std::string what_it_threw(std::exception_ptr const& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (px::remote_exception const& e) {
    return e.message();
  } catch (...) {
    return "something else";
  }
  return {};
}

/// Whether a task that has the program stop, and never comes to its end, is cancelled.
template <class Stop>
bool running_task_is_cancelled(Stop stop) {
  auto work = [stop, program = ::getpid()](int n) {
    if (n == 5) {
      stop(program);
      for (;;) ::pause();
    }
    return n;
  };
  bool cancelled = false;
  auto r = px::pmap(work, std::views::iota(0), {.workers = 1});
  for (auto const& o : r.outcomes())
    if (o.index() == 5) cancelled = is_cancelled(o.error());
  return cancelled && px::stop_signal() == SIGINT;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stopping, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(after_one_signal_what_runs_is_finished_and_nothing_more_begun,
                     *boost::unit_test::enable_if<signals_are_prompt>()) {
  for (int const signal : {SIGINT, SIGTERM})
    BOOST_TEST(in_own_process([signal] {
      px::stop_on_signals();
      observe::shared<std::atomic<int>> const begun;
      pid_t const program = ::getpid();
      auto work = [&, program](int n) {
        ++*begun;
        if (n == 50) {
          while (*begun <= 50) ::usleep(100);
          ::kill(program, signal);
          ::usleep(100'000);
        }
        return n;
      };
      int good = 0;
      std::size_t outcomes = 0;
      bool told = false, right = true;
      auto r = px::pmap(work, numbers(1'000'000), {.workers = 2});
      for (auto const& o : r.outcomes()) {
        right = right && o.index() == outcomes++;
        if (o) {
          ++good;
          right = right && *o == static_cast<int>(o.index());
        } else {
          right = right && is_cancelled(o.error());
        }
        told = !o;  // the last one stands for all that is left
      }
      return right && told && outcomes < 1'000'000 && good == *begun && good > 50 && good < 1'000'000 &&
             px::stop_signal() == signal;
    }));
}

BOOST_AUTO_TEST_CASE(a_range_that_has_come_to_its_end_just_ends) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    pid_t const program = ::getpid();
    auto work = [program](int n) {
      if (n == 1) ::kill(program, SIGINT);
      ::usleep(30'000);
      return n;
    };
    std::size_t outcomes = 0;
    auto r = px::pmap(work, numbers(2), {.workers = 2});
    for (auto const& o : r.outcomes()) outcomes += o.has_value();
    return outcomes == 2;
  }));
}

BOOST_AUTO_TEST_CASE(after_two_signals_what_runs_is_killed) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    return running_task_is_cancelled([](pid_t program) {
      ::kill(program, SIGINT);
      ::usleep(30'000);
      ::kill(program, SIGTERM);
    });
  }));
}

BOOST_AUTO_TEST_CASE(a_handler_of_the_programs_own_can_stop_everything_at_once) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals({});
    ::signal(SIGINT, [](int signal) {
      for (int i = 0; i < 5; ++i) px::count_stop_signal(signal);  // more than two do nothing
    });
    return running_task_is_cancelled([](pid_t program) { ::kill(program, SIGINT); });
  }));
}

BOOST_AUTO_TEST_CASE(a_third_signal_ends_the_program) {
  pid_t const program = ::fork();
  if (program == 0) {
    px::stop_on_signals();
    for (int i = 0; i < 3; ++i) ::raise(SIGTERM);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(program, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == SIGTERM);
}

BOOST_AUTO_TEST_CASE(who_takes_values_is_told_by_an_exception_behind_them) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    pid_t const program = ::getpid();
    int taken = 0;
    try {
      for (int const n : px::pmap(
               [program](int i) {
                 if (i == 3) ::kill(program, SIGTERM);
                 return i;
               },
               std::views::iota(0), {.workers = 1}))
        taken += n >= 0;
    } catch (px::task_cancelled const& e) {
      return taken >= 3 && std::string(e.what()).starts_with("stopped by SIGTERM");
    }
    return false;
  }));
}

BOOST_AUTO_TEST_CASE(a_pool_finishes_what_runs_and_cancels_the_rest,
                     *boost::unit_test::enable_if<signals_are_prompt>()) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::process_pool pool({.workers = 1});
    pid_t const program = ::getpid();
    auto work = px::by_value([program](int n) {
      if (n == 0) {
        ::kill(program, SIGINT);
        ::usleep(50'000);
      }
      return n;
    });
    std::vector<std::future<int>> results;
    for (int n = 0; n < 100; ++n) results.push_back(pool.submit(work, n));
    int good = 0, cancelled = 0;
    for (auto& result : results) try {
        good += result.get() == 0;
      } catch (px::task_cancelled const&) {
        ++cancelled;
      }
    auto late = pool.submit(work, 7);
    try {
      late.get();
    } catch (px::task_cancelled const&) {
      pool.drain();
      return good == 1 && cancelled == 99;
    }
    return false;
  }));
}

BOOST_AUTO_TEST_CASE(a_task_that_fails_after_the_signal_is_over_with_that,
                     *boost::unit_test::enable_if<signals_are_prompt>()) {
  auto const fails = [](int) -> int {
    ::kill(program, SIGINT);
    ::usleep(50'000);
    throw std::runtime_error("not today");
  };
  auto const is_the_real_one = [](auto const& outcome) { return what_it_threw(outcome.error()) == "not today"; };
  auto const one_of = [&](auto&& outcomes) {
    std::size_t count = 0, right = 0;
    for (auto const& o : outcomes) ++count, right += is_the_real_one(o);
    return count == 1 && right == 1;
  };
  for (auto const& run : std::vector<std::function<bool()>>{
           [&] { return one_of(px::pmap(fails, numbers(1), {.workers = 1, .retries = 3, .backoff = 1h}).outcomes()); },
           [&] {
             px::process_pool pool({.workers = 1, .retries = 3, .backoff = 1h});
             auto result = pool.submit(fails, 1);
             try {
               result.get();
             } catch (...) {
               return what_it_threw(std::current_exception()) == "not today";
             }
             return false;
           },
           [&] {
             px::parallel_queue<int> queue({.workers = 1, .retries = 3, .backoff = 1h});
             queue.put(fails, 1);
             queue.stop();
             return one_of(queue.outcomes());
           },
           [&] {
             px::queue<int> queue({.limit = 1, .reuse = true, .retries = 3});
             queue.start(px::make_parallel(fails), 1);
             return one_of(queue.outcomes());
           }})
    BOOST_TEST(in_own_process([&] {
      program = ::getpid();
      px::stop_on_signals();
      return run();
    }));
}

BOOST_AUTO_TEST_CASE(a_small_pool_answers_each_call_that_comes_after_the_signal) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::process_pool pool({.workers = 2, .capacity = 4});
    auto const same = [](int n) { return n; };
    pool.submit(same, 1).get();
    ::raise(SIGINT);
    std::vector<std::future<int>> results;
    for (int n = 0; n < 3000; ++n) results.push_back(pool.submit(same, n));
    int cancelled = 0;
    for (auto& result : results) try {
        result.get();
      } catch (px::task_cancelled const&) {
        ++cancelled;
      }
    return cancelled == 3000;
  }));
}

BOOST_AUTO_TEST_CASE(so_it_does_when_no_process_can_be_had) {
  BOOST_TEST(in_own_process([] {
    px::process_pool pool({.workers = 2, .capacity = 4});
    rlimit const none{3, 3};
    ::setrlimit(RLIMIT_NOFILE, &none);
    std::vector<std::future<int>> results;
    for (int n = 0; n < 3000; ++n) results.push_back(pool.submit([](int i) { return i; }, n));
    int failed = 0;
    for (auto& result : results) try {
        result.get();
      } catch (boost::system::system_error const&) {
        ++failed;
      }
    return failed == 3000;
  }));
}

BOOST_AUTO_TEST_CASE(an_ignored_signal_stays_ignored) {
  BOOST_TEST(in_own_process([] {
    std::signal(SIGINT, SIG_IGN);
    px::stop_on_signals();
    ::raise(SIGINT);
    return px::stop_signal() == 0 && px::pmap([](int n) { return n; }, numbers(3)).to_vector() == numbers(3);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
