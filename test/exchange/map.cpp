#define BOOST_TEST_MODULE map
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <deque>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }
int add(int a, int b) { return a + b; }

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(map, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_starting_even_if_they_arrive_in_reverse) {
  for (int const limit : {2, 11}) {
    std::deque<gate> gates(11);
    px::map<int> m({.limit = limit});
    for (int i = 0; i < 11; ++i)
      m.start([&](px::channel& up, std::size_t n) {
        if (n % 2 == 0) gates[n].wait();
        up.send(static_cast<int>(n));
        if (n % 2 == 1) gates[n - 1].open();
      }, static_cast<std::size_t>(i));
    gates[10].open();
    std::size_t expected = 0;
    for (int r : m) BOOST_TEST(r == static_cast<int>(expected++));
    BOOST_TEST(expected == 11u);
  }
}

BOOST_AUTO_TEST_CASE(results_come_before_all_are_there) {
  gate held;
  px::map<int> m({.limit = 2});
  m.start(px::make_parallel(square), 3);
  m.start([&](px::channel& up) { held.wait(), up.send(1); });
  auto i = m.begin();
  BOOST_TEST(*i == 9);
  BOOST_TEST(m.unfinished());
  held.open();
  ++i;
  BOOST_TEST(*i == 1);
  ++i;
  BOOST_TEST((i == m.end()));
}

BOOST_AUTO_TEST_CASE(a_number_waits_for_that_result_and_keeps_it) {
  for (bool const reuse : {false, true})
    for (int const limit : {1, 2, 11}) {
      px::map<int> m({.limit = limit, .reuse = reuse});
      for (int i = 0; i < 12; ++i) m.start(px::make_reusable(square), i);
      BOOST_TEST(m[7] == 49);
      BOOST_TEST(m[7] == 49);
      BOOST_TEST(m[2] == 4);
      BOOST_CHECK_THROW(m[12], std::out_of_range);
      int expected = 0;
      for (int r : m) {
        BOOST_TEST(r == expected * expected);
        ++expected;
      }
      BOOST_TEST(expected == 12);
    }
}

BOOST_AUTO_TEST_CASE(a_number_does_not_wait_for_those_after_it) {
  gate held;
  px::map<int> m({.limit = 2});
  m.start(px::make_parallel(square), 2);
  m.start([&](px::channel& up) { held.wait(), up.send(1); });
  m.start(px::make_parallel(square), 4);
  BOOST_TEST(m[0] == 4);
  BOOST_TEST(m[2] == 16);
  held.open();
  BOOST_TEST(m[1] == 1);
}

BOOST_AUTO_TEST_CASE(slices_wait_for_what_is_asked_and_stop_at_the_last) {
  px::map<int> m({.limit = 2});
  for (int i = 0; i < 6; ++i) m.start(px::make_parallel(square), i);
  BOOST_TEST(m.slice(1, 4) == (std::vector{1, 4, 9}), boost::test_tools::per_element());
  BOOST_TEST(m.slice(4, 100) == (std::vector{16, 25}), boost::test_tools::per_element());
  BOOST_TEST(m.slice(3, 3).empty());
  BOOST_TEST(m.slice(6, 9).empty());
  auto i = m.begin();
  ++i;
  BOOST_CHECK_THROW(m.slice(0, 2), std::out_of_range);
  BOOST_TEST(m.slice(2, 4) == (std::vector{4, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(iteration_gives_results_away) {
  px::map<int> m({.limit = 2});
  for (int i = 0; i < 4; ++i) m.start(px::make_parallel(square), i);
  auto i = m.begin();
  BOOST_TEST(*i == 0);
  BOOST_TEST(m[1] == 1);
  ++i;
  BOOST_CHECK_THROW(m[0], std::out_of_range);
  BOOST_TEST(*i == 1);
  ++i;
  BOOST_CHECK_THROW(m[1], std::out_of_range);
  BOOST_TEST(m[3] == 9);
}

BOOST_AUTO_TEST_CASE(a_whole_range_is_started_by_one_call) {
  for (bool const reuse : {false, true}) {
    px::map<int> m({.limit = 2, .reuse = reuse});
    int expected = 0;
    for (int r : m(square, numbers(20))) {
      BOOST_TEST(r == expected * expected);
      ++expected;
    }
    BOOST_TEST(expected == 20);

    std::vector<std::tuple<int, int>> const tuples{{1, 2}, {3, 4}};
    std::vector<std::pair<int, int>> const pairs{{5, 6}, {7, 8}};
    std::vector<int> sums;
    m(add, tuples);
    for (int r : m(px::make_reusable(add), pairs)) sums.push_back(r);
    BOOST_TEST(sums == (std::vector{3, 7, 11, 15}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(callables_that_know_channels_are_taken_as_they_are) {
  px::map<int> m({.limit = 2});
  std::vector<std::pair<int, int>> const pairs{{1, 2}, {3, 4}};
  m([](px::channel& up, int n) { up.send(n + 1); }, numbers(3));
  m([](px::channel& up, int a, int b) { up.send(a * b); }, pairs);
  std::vector<int> all;
  for (int r : m) all.push_back(r);
  BOOST_TEST(all == (std::vector{1, 2, 3, 2, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(outcomes_are_in_order_and_every_task_has_one) {
  for (bool const reuse : {false, true}) {
    px::map<int> m({.limit = 2, .reuse = reuse});
    m([](int n) {
      if (n % 4 == 1) throw std::domain_error("one");
      if (n % 4 == 3) ::raise(SIGKILL);
      return n;
    }, numbers(12));
    std::size_t expected = 0;
    for (px::outcome<int> const& o : m.outcomes()) {
      BOOST_TEST(o.index() == expected);
      BOOST_TEST(o.has_value() == (expected % 2 == 0));
      if (expected % 4 == 1) BOOST_CHECK_THROW(o.value(), px::remote_exception);
      if (expected % 4 == 3) BOOST_CHECK_THROW(o.value(), px::process_died);
      ++expected;
    }
    BOOST_TEST(expected == 12u);
  }
}

BOOST_AUTO_TEST_CASE(a_failure_is_thrown_when_it_is_asked_for_and_not_before) {
  px::map<int> m({.limit = 2});
  m([](int n) {
    if (n == 1) throw std::domain_error("one");
    return n;
  }, numbers(3));
  BOOST_TEST(m[2] == 2);
  BOOST_CHECK_THROW(m[1], px::remote_exception);
  BOOST_TEST(m.outcome_of(1).index() == 1u);
  BOOST_TEST(!m.outcome_of(1));
  BOOST_TEST(m[0] == 0);
}

BOOST_AUTO_TEST_CASE(a_channel_taken_out_by_hand_leaves_a_gap) {
  gate held;
  px::map<int> m({.limit = 3});
  m.start(px::make_parallel(square), 1);
  m.start([&](px::channel& up) { held.wait(), up.send(2); });
  m.start(px::make_parallel(square), 3);
  BOOST_REQUIRE(m.active().size() == 3u);
  px::channel own = m.remove(m.active()[1]);
  std::vector<int> all;
  for (int r : m) all.push_back(r);
  BOOST_TEST(all == (std::vector{1, 9}), boost::test_tools::per_element());
  held.open();
  BOOST_TEST(own.receive<int>() == 2);
  BOOST_TEST(own.wait().success());
}

BOOST_AUTO_TEST_CASE(a_gap_at_the_end_is_no_hindrance_to_tasks_that_come_later) {
  px::map<int> m;
  m.start([](px::channel& up) { up.send(0); });
  m.start([](px::channel& up) { ::pause(), up.send(1); });
  BOOST_TEST(m[0] == 0);
  px::channel out = m.remove(m.active().back());
  out.kill(SIGKILL);
  out.wait();
  std::vector<int> got;
  for (int r : m) got.push_back(r);
  m.start([](px::channel& up) { up.send(2); });
  for (int r : m) got.push_back(r);
  BOOST_TEST(got == (std::vector<int>{0, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_map_cannot_be_continuous) {
  BOOST_CHECK_THROW(px::map<int>({.continuous = true}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(an_empty_range_gives_an_empty_map) {
  px::map<int> m;
  BOOST_TEST((m(square, std::vector<int>()).begin() == m.end()));
  BOOST_CHECK_THROW(m[0], std::out_of_range);
  BOOST_TEST(m.slice(0, 10).empty());
}

BOOST_AUTO_TEST_SUITE_END()
