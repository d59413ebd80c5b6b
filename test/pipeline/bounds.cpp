#define BOOST_TEST_MODULE bounds
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"
#include "support/stopping.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <ranges>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

// How much is under way, for how long, and what becomes of it at an end that cannot wait.

static int in_50_ms(int n) { return std::this_thread::sleep_for(50ms), n; }

BOOST_FIXTURE_TEST_SUITE(bounds, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(no_more_bytes_are_under_way_than_is_said) {
  observe::shared<std::atomic<int>> const let;
  auto p = px::pipeline({.max_bytes = 10'000})
               .add_task([](std::string s) { return s; }, {.workers = 2})
               .add_task([&](std::string const& s) {
                 while (*let == 0) ::usleep(100);
                 return s.size();
               }, {.workers = 1});
  p.start();
  std::atomic<int> fed = 0;
  std::jthread const feeder([&] {
    for (; fed < 40; ++fed) p.feed(std::string(1000, 'x'));
  });
  while (fed < 8) ::usleep(100);
  std::this_thread::sleep_for(20ms);
  BOOST_TEST(fed <= 10);
  *let = 1;
  while (fed < 40) ::usleep(100);
  BOOST_TEST(p.join().out == 40u);
}

BOOST_AUTO_TEST_CASE(one_item_may_be_larger_than_all_may_be) {
  auto p = px::pipeline({.max_bytes = 100}).add_task([](std::string const& s) { return s.size(); }, {.workers = 1}).add_task([](std::size_t n) { return n; }, {.workers = 1});
  p.start();
  for (int i = 0; i < 20; ++i) p.feed(std::string(5000, 'x'));
  BOOST_TEST(p.join().out == 20u);
}

BOOST_AUTO_TEST_CASE(too_few_items_for_a_batch_wait_for_others_and_at_the_end_for_nothing) {
  auto p = px::pipeline().add_task([](int n) { return n; }, {.workers = 1, .chunk_size = 10, .linger = 100ms});
  p.start();
  auto const began = clock_type::now();
  p.feed(0);
  auto results = p.as_completed();
  auto it = results.begin();
  BOOST_TEST((clock_type::now() - began >= 100ms));
  p.feed_chunk(std::views::iota(1, 11));
  for (int i = 1; i < 11; ++i) BOOST_TEST(*++it == i);
  p.feed(11);
  BOOST_TEST(p.join().out == 12u);
}

BOOST_AUTO_TEST_CASE(a_lingering_stage_behind_others_gives_all_at_the_end) {
  auto p = px::pipeline()
               .add_task([](int n) { return n; }, {.workers = 2})
               .add_task([](int n) { return n; }, {.workers = 2, .chunk_size = 64, .linger = 1h})
               .add_task([](int n) { return n; }, {.chunk_size = 7, .linger = 1h, .here = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 100));
  BOOST_TEST(p.join().out == 100u);
}

BOOST_AUTO_TEST_CASE(draining_ends_by_its_limit_and_says_what_is_lost) {
  auto p = px::pipeline().add_task(in_50_ms, {.workers = 2, .grace = 0ns}).add_task(in_50_ms, {.workers = 2, .grace = 0ns});
  p.start();
  p.feed_chunk(std::views::iota(0, 1000));
  auto const began = clock_type::now();
  auto const s = p.drain(300ms);
  BOOST_TEST((clock_type::now() - began < 20s));
  BOOST_TEST(s.in == 1000u);
  BOOST_TEST(s.lost > 900u);
  BOOST_TEST(s.out + s.lost + s.failed == 1000u);
  BOOST_TEST(p.join().lost == s.lost);
  BOOST_CHECK_THROW(p.feed(1), px::sequence_error);
}

BOOST_AUTO_TEST_CASE(draining_that_has_the_time_loses_nothing) {
  auto p = px::pipeline().add_task(in_50_ms, {.workers = 4});
  p.start();
  p.feed_chunk(std::views::iota(0, 8));
  auto const s = p.drain(1h);
  BOOST_TEST(s.out == 8u);
  BOOST_TEST(s.lost == 0u);
}

BOOST_AUTO_TEST_CASE(after_a_signal_what_is_under_way_may_come_to_its_end,
                     *boost::unit_test::enable_if<stopping::signals_are_prompt>()) {
  BOOST_TEST(stopping::in_own_process([] {
    px::stop_on_signals();
    auto p = px::pipeline({.drain = 1h}).add_task(in_50_ms, {.workers = 2}).add_task([](int n) { return n; }, {.workers = 1});
    p.start();
    p.feed_chunk(std::views::iota(0, 20));
    ::raise(SIGTERM);
    p.feed_chunk(std::views::iota(20, 1000));  // nothing of it
    bool refused = false;
    try {
      for (;;) p.feed(1), ::usleep(1000);
    } catch (px::task_cancelled const&) {
      refused = true;
    }
    auto const s = p.join();
    return refused && s.out == s.in && s.in >= 20 && s.in < 1000;
  }));
}

BOOST_AUTO_TEST_CASE(a_signal_ends_feeding_that_waits_for_room,
                     *boost::unit_test::enable_if<stopping::signals_are_prompt>()) {
  BOOST_TEST(stopping::in_own_process([] {
    px::stop_on_signals();
    auto p = px::pipeline({.max_size = 4, .drain = 1h}).add_task([program = ::getpid()](int n) {
      if (n == 3) ::kill(program, SIGTERM);
      return in_50_ms(n);
    }, {.workers = 2});
    p.start();
    p.feed_chunk(std::views::iota(0, 1000));
    auto const s = p.join();
    return s.in < 1000 && s.out == s.in;
  }));
}

BOOST_AUTO_TEST_CASE(after_a_signal_it_is_over_when_its_time_is_up,
                     *boost::unit_test::enable_if<stopping::signals_are_prompt>()) {
  BOOST_TEST(stopping::in_own_process([] {
    px::stop_on_signals();
    auto p = px::pipeline({.drain = 100ms}).add_task([](int n) { return std::this_thread::sleep_for(1h), n; }, {.workers = 2, .grace = 0ns});
    p.start();
    p.feed_chunk(std::views::iota(0, 10));
    ::raise(SIGTERM);
    auto const s = p.join();
    auto const failures = p.failures();
    return s.failed == 10 && stopping::is_cancelled(failures.at(0).error) && stopping::is_cancelled(failures.at(9).error);
  }));
}

BOOST_AUTO_TEST_CASE(without_time_to_drain_nothing_more_is_begun,
                     *boost::unit_test::enable_if<stopping::signals_are_prompt>()) {
  BOOST_TEST(stopping::in_own_process([] {
    px::stop_on_signals();
    auto p = px::pipeline().add_task(in_50_ms, {.workers = 2});
    p.start();
    p.feed_chunk(std::views::iota(0, 1000));
    ::raise(SIGINT);
    auto const s = p.join();
    return s.in == 1000 && s.out < 100 && s.out + s.failed == 1000;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
