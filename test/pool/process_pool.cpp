#define BOOST_TEST_MODULE process_pool
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>
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
pid_t who() { return ::getpid(); }

/// Submits a call of each of so many kinds, none of them seen before.
template <int... Kinds>
void submit_kinds(px::process_pool& pool, std::integer_sequence<int, Kinds...>) {
  (static_cast<void>(pool.submit([] { return Kinds; })), ...);
}

template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

struct no_default {
  explicit no_default(int n) : value(n) {}
  int value;
};
std::unique_ptr<int> moved(int n) { return std::make_unique<int>(n); }
no_default undefaulted(int n) { return no_default(n); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(process_pool, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(every_call_comes_to_its_own_result_at_any_number_of_workers) {
  for (int const workers : {1, 2, 11}) {
    px::process_pool pool({.workers = workers});
    std::vector<std::future<int>> results;
    for (int n = 0; n < 1000; ++n) results.push_back(pool.submit(square, n));
    for (int n = 0; n < 1000; ++n) BOOST_TEST(results[static_cast<std::size_t>(n)].get() == n * n);
    pool.drain();
    BOOST_TEST(pool.size() == 0u);
    BOOST_TEST(pool.workers() <= static_cast<std::size_t>(workers));
  }
}

BOOST_AUTO_TEST_CASE(calls_of_all_kinds_can_be_submitted) {
  px::process_pool pool({.workers = 2});
  int base = 40;
  BOOST_TEST(pool.submit([](std::string const& a, std::string const& b) { return a + b; }, "a", std::string("b")).get() == "ab");
  BOOST_TEST(pool.submit(px::by_value([base](int n) { return base + n; }), 2).get() == 42);
  BOOST_TEST(*pool.submit(moved, 7).get() == 7);
  BOOST_TEST(pool.submit(undefaulted, 8).get().value == 8);
  pool.submit([] {}).get();
  pool.submit([](int, double) {}, 1, 2).get();
}

BOOST_AUTO_TEST_CASE(a_callable_that_was_added_has_all_that_it_captured) {
  px::process_pool pool({.workers = 2});
  BOOST_TEST(pool.submit(square, 2).get() == 4);  // the workers run already
  std::map<std::string, int> numbers{{"one", 1}, {"two", 2}};
  auto const look_up = pool.add([&numbers](std::string const& name) { return numbers.at(name); });
  numbers["three"] = 3;
  for (int round = 0; round < 20; ++round) {
    BOOST_TEST(pool.submit(look_up, "two").get() == 2);
    BOOST_TEST(pool.submit(look_up, "three").get() == 3);
    BOOST_TEST(pool.submit(square, round).get() == round * round);
  }
  auto const twice = pool.add([&](double d) { return 2 * d + numbers.at("one"); });
  BOOST_TEST(pool.submit(twice, 4).get() == 9.0);
  BOOST_CHECK_THROW(pool.submit(look_up, "four").get(), px::remote_exception);
}

BOOST_AUTO_TEST_CASE(a_failure_costs_its_own_call) {
  for (int const workers : {1, 2, 11}) {
    px::process_pool pool({.workers = workers});
    std::vector<std::future<int>> good, thrown, dead;
    for (int n = 0; n < 30; ++n) {
      good.push_back(pool.submit(square, n));
      thrown.push_back(pool.submit(throw_it, "thrown " + std::to_string(n)));
      dead.push_back(pool.submit(kill_it, n % 2 ? SIGKILL : SIGSEGV));
    }
    for (int n = 0; n < 30; ++n) {
      auto const i = static_cast<std::size_t>(n);
      BOOST_TEST(good[i].get() == n * n);
      try {
        thrown[i].get();
        BOOST_ERROR("it was thrown");
      } catch (px::remote_exception const& e) {
        BOOST_TEST(e.message() == "thrown " + std::to_string(n));
      }
      try {
        dead[i].get();
        BOOST_ERROR("it has died");
      } catch (px::process_died const& e) {
        if (!processes::sanitized) BOOST_TEST(e.status().signal() == (n % 2 ? SIGKILL : SIGSEGV));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_takes_too_long_is_stopped_and_nobody_else_is) {
  px::process_pool pool({.workers = 2, .task_timeout = 50ms});
  auto hung = pool.submit([] { for (;;) ::pause(); });
  std::vector<std::future<int>> others;
  for (int n = 0; n < 100; ++n) others.push_back(pool.submit(square, n));
  BOOST_CHECK_THROW(hung.get(), px::task_timeout);
  for (int n = 0; n < 100; ++n) BOOST_TEST(others[static_cast<std::size_t>(n)].get() == n * n);
}

BOOST_AUTO_TEST_CASE(producers_on_many_threads_share_it) {
  px::process_pool pool({.workers = 2});
  std::atomic<int> right = 0;
  std::vector<std::thread> producers;
  int const each = processes::sanitized ? 200 : 2000;
  for (int t = 0; t < 4; ++t)
    producers.emplace_back([&, t] {
      std::vector<std::future<int>> results;
      for (int n = 0; n < each; ++n) results.push_back(pool.submit(square, n + t));
      for (int n = 0; n < each; ++n) right += results[static_cast<std::size_t>(n)].get() == (n + t) * (n + t);
    });
  for (std::thread& p : producers) p.join();
  BOOST_TEST(right == 4 * each);
}

BOOST_AUTO_TEST_CASE(who_submits_waits_while_there_is_no_room) {
  gate held;
  px::process_pool pool({.workers = 2, .capacity = 8});
  auto const wait = pool.add([&] { held.wait(); });
  std::atomic<int> submitted = 0;
  std::vector<std::future<void>> results;
  std::thread producer([&] {
    for (int i = 0; i < 50; ++i) results.push_back(pool.submit(wait)), ++submitted;
  });
  until([&] { return submitted == 8; });
  BOOST_TEST(pool.size() == 8u);
  BOOST_TEST(!pool.drain_for(20ms));
  BOOST_TEST(submitted == 8);
  held.open();
  producer.join();
  for (auto& r : results) r.get();
  BOOST_TEST(submitted == 50);
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_as_well) {
  gate held;
  px::process_pool pool({.workers = 1, .capacity_bytes = 100'000});
  auto const wait = pool.add([&](std::string const& s) {
    if (!s.empty()) held.wait();
    return s.size();
  });
  pool.submit(wait, std::string()).get();  // the fork for it comes before there is a thread beside
  std::atomic<int> submitted = 0;
  std::thread producer([&] {
    for (int i = 0; i < 10; ++i) (void)pool.submit(wait, std::string(30'000, 'x')), ++submitted;
  });
  until([&] { return submitted == 3; });
  BOOST_TEST(!pool.drain_for(20ms));
  BOOST_TEST(submitted == 3);
  held.open();
  producer.join();
  pool.drain();
  BOOST_TEST(pool.submit(wait, std::string(500'000, 'x')).get() == 500'000u);  // alone, whatever its size
}

BOOST_AUTO_TEST_CASE(workers_start_on_demand_and_go_when_they_are_idle) {
  px::process_pool pool({.workers = 2, .idle_timeout = 20ms});
  BOOST_TEST(pool.workers() == 0u);
  pid_t const first = pool.submit(who).get();
  BOOST_TEST(pool.workers() <= 1u);
  until([&] { return ::kill(first, 0) != 0; });
  until([&] { return pool.workers() == 0; });
  BOOST_TEST(pool.submit(who).get() != first);
}

BOOST_AUTO_TEST_CASE(a_long_call_keeps_no_idle_worker_alive) {
  gate held;
  px::process_pool pool({.workers = 2, .idle_timeout = 20ms});
  auto const wait = pool.add([&] { held.wait(); });
  auto long_one = pool.submit(wait);
  pid_t const other = pool.submit(who).get();
  until([&] { return ::kill(other, 0) != 0; });
  held.open();
  long_one.get();
}

BOOST_AUTO_TEST_CASE(stop_returns_at_once_cancels_what_waits_and_kills_what_runs) {
  gate held;
  px::process_pool pool({.workers = 2, .window = 1});
  auto const wait = pool.add([&](int n) { return held.wait(), n; });
  std::vector<std::future<int>> results;
  for (int n = 0; n < 10; ++n) results.push_back(pool.submit(wait, n));
  pool.stop();
  for (auto& r : results) BOOST_CHECK_THROW(r.get(), px::task_cancelled);
  BOOST_CHECK_THROW((void)pool.submit(square, 1), px::queue_stopped);
  pool.drain();
  pool.stop();
  BOOST_TEST(pool.workers() == 0u);
}

BOOST_AUTO_TEST_CASE(a_producer_that_waits_for_room_is_told_of_the_stop) {
  gate held;
  px::process_pool pool({.workers = 1, .capacity = 1});
  auto const wait = pool.add([&] { held.wait(); });
  auto first = pool.submit(wait);
  std::atomic<bool> told = false;
  std::thread producer([&] {
    try {
      (void)pool.submit(wait);
    } catch (px::queue_stopped const&) {
      told = true;
    }
  });
  pool.stop();
  producer.join();
  BOOST_TEST(told);
  BOOST_CHECK_THROW(first.get(), px::task_cancelled);
}

BOOST_AUTO_TEST_CASE(what_is_not_over_when_the_pool_goes_is_cancelled) {
  gate held;
  std::future<void> result;
  {
    px::process_pool pool({.workers = 1});
    result = pool.submit(pool.add([&] { held.wait(); }));
  }
  BOOST_CHECK_THROW(result.get(), px::task_cancelled);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_into_a_frame_is_refused_and_the_pool_goes_on) {
  px::process_pool pool({.workers = 1, .frame_limit = 1000});
  BOOST_CHECK_THROW(pool.submit([](std::string const& s) { return s.size(); }, std::string(2000, 'x')), px::protocol_error);
  auto const size = [](std::string const& s) { return s.size(); };
  BOOST_CHECK_THROW((void)pool.submit(size, std::string(993, 'x')), px::protocol_error);  // with the 8 bytes of its length
  BOOST_TEST(pool.submit(size, std::string(992, 'x')).get() == 992u);
  BOOST_CHECK_THROW(pool.submit([] { return std::string(2000, 'x'); }).get(), px::remote_exception);
  BOOST_TEST(pool.submit(square, 3).get() == 9);
}

BOOST_AUTO_TEST_CASE(a_frame_may_be_as_large_as_it_likes) {
  px::process_pool pool({.workers = 1, .frame_limit = std::numeric_limits<std::size_t>::max()});
  BOOST_TEST(pool.submit(square, 3).get() == 9);
}

BOOST_AUTO_TEST_CASE(workers_that_are_killed_from_outside_are_replaced) {
  px::process_pool pool({.workers = 2, .retries = 100});
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<pid_t>> pids;
    for (int n = 0; n < 50; ++n) pids.push_back(pool.submit(who));
    std::set<pid_t> all;
    for (auto& p : pids) all.insert(p.get());
    ::kill(*all.begin(), SIGKILL);  // a worker of ours still, and not reaped yet
  }
  BOOST_TEST(pool.submit(square, 3).get() == 9);
}

BOOST_AUTO_TEST_CASE(nobody_can_wait_for_the_pool_on_its_own_thread) {
  px::process_pool pool({.workers = 1, .capacity = 1});
  std::promise<int> refused, submitted;
  pool.async_submit(px::call([] { return 1; }), [&](std::exception_ptr, int) {
    try {
      pool.drain();
    } catch (px::sequence_error const&) {
      refused.set_value(1);
    }
    auto const first = pool.submit([] { return 2; }), second = pool.submit([] { return 3; });  // beyond the capacity
    submitted.set_value(4);
  });
  BOOST_TEST(refused.get_future().get() == 1);
  BOOST_TEST(submitted.get_future().get() == 4);
  pool.drain();
}

BOOST_AUTO_TEST_CASE(a_wait_may_be_as_long_as_can_be_said) {
  px::process_pool pool({.workers = 1});
  auto const result = pool.submit([] { ::usleep(30'000); });
  BOOST_TEST(pool.drain_for(std::chrono::nanoseconds::max()));
  px::exchange e;
  e.start(px::make_parallel([] { ::usleep(30'000); }));
  BOOST_TEST(e.ready(std::chrono::nanoseconds::max()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_was_added_to_one_pool_is_refused_by_another) {
  px::process_pool one({.workers = 1}), other({.workers = 1});
  int captured = 5;
  auto const f = one.add([captured] { return captured; });
  BOOST_TEST(one.submit(f).get() == 5);
  BOOST_CHECK_THROW((void)other.submit(f), std::invalid_argument);
  std::promise<std::exception_ptr> refused;  // asio::use_future would leave threads behind
  other.async_submit(px::call(f), [&](std::exception_ptr e, int) { refused.set_value(e); });
  BOOST_CHECK_THROW(std::rethrow_exception(refused.get_future().get()), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_function_of_a_library_that_came_later_is_an_error_of_its_call) {
  char const* const library = "libresolv.so.2";  // any that the program does not need
  if (::dlopen(library, RTLD_NOW | RTLD_NOLOAD)) return;
  px::process_pool pool({.workers = 1});
  BOOST_TEST(pool.submit(::abs, -3).get() == 3);
  void* const loaded = ::dlopen(library, RTLD_NOW);
  BOOST_REQUIRE(loaded);
  auto const late = reinterpret_cast<int (*)(int)>(::dlsym(loaded, "ns_get16"));
  BOOST_REQUIRE(bool(late));
  BOOST_CHECK_EXCEPTION(pool.submit(late, 1).get(), px::remote_exception, [](px::remote_exception const& e) {
    return std::string(e.what()).find("its library was loaded after the process was made") != std::string::npos;
  });
  BOOST_TEST(pool.submit(::abs, -4).get() == 4);
  ::dlclose(loaded);
}

BOOST_AUTO_TEST_CASE(a_worker_may_have_a_pool_of_its_own) {
  px::process_pool pool({.workers = 2});
  auto nested = [] {
    px::process_pool inner({.workers = 2});
    int sum = 0;
    for (int n = 0; n < 10; ++n) sum += inner.submit(square, n).get();
    return sum;
  };
  auto a = pool.submit(nested), b = pool.submit(nested);
  BOOST_TEST(a.get() == 285);
  BOOST_TEST(b.get() == 285);
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_child_of_the_users_own_refuses_and_harms_nobody) {
  auto pool = std::make_unique<px::process_pool>(px::pool_options{.workers = 1});
  pid_t const worker = pool->submit(who).get();
  BOOST_TEST(processes::code_of_fork([&] {
    try {
      (void)pool->submit(square, 1);
      return 1;
    } catch (px::error const& e) {
      CHILD_CHECK(e.code() == px::errc::foreign_process);
    }
    pool.reset();
    return 0;
  }) == 0);
  BOOST_TEST(pool->submit(who).get() == worker);
}

// The thread sanitizer ends a child of a program with threads as soon as it makes one.
BOOST_AUTO_TEST_CASE(a_fork_while_a_thread_submits_its_first_calls_finds_nothing_locked,
                     *boost::unit_test::enable_if<!observe::instrumented>()) {
  for (int round = 0; round < 30; ++round)
    BOOST_TEST(processes::code_of_fork([&] {  // a process of its own: what is known, is known for good
      px::process_pool pool({.workers = 1});
      std::atomic<bool> begun = false;
      std::thread first([&] {
        begun = true;
        submit_kinds(pool, std::make_integer_sequence<int, 40>());
      });
      while (!begun) {}
      int const code = processes::code_of_fork([&] {
        try {
          (void)pool.submit(square, 1);
          return 1;
        } catch (px::error const& e) {
          CHILD_CHECK(e.code() == px::errc::foreign_process);
        }
        px::process_pool own({.workers = 1});
        CHILD_CHECK(own.submit(square, 3).get() == 9);
        return 0;
      });
      first.join();
      return code;
    }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
