#define BOOST_TEST_MODULE queue
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }


}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(an_empty_queue_has_no_results) {
  px::queue<int> q;
  BOOST_TEST((q.begin() == q.end()));
  BOOST_TEST(!q.next());
  BOOST_TEST(q.empty());
  BOOST_TEST(q.size() == 0u);
}

BOOST_AUTO_TEST_CASE(every_task_gives_one_result_whatever_the_limit) {
  for (int const limit : {1, 2, 11}) {
    px::queue<int> q({.limit = limit});
    for (int i = 0; i < 30; ++i) q.start(px::make_parallel(square), i);
    std::multiset<int> seen, expected;
    for (int i = 0; i < 30; ++i) expected.insert(i * i);
    for (int r : q) seen.insert(r);
    BOOST_TEST((seen == expected));
    BOOST_TEST(!q.unfinished());
  }
}

BOOST_AUTO_TEST_CASE(results_come_as_they_arrive) {
  gate held;
  px::queue<int> q({.limit = 2});
  q.start([&](px::channel& up) { held.wait(), up.send(0); });
  for (int i = 1; i <= 3; ++i) q.start(px::make_parallel(square), i);
  std::vector<int> seen;
  for (int r : q) {
    seen.push_back(r);
    if (seen.size() == 3) held.open();
  }
  BOOST_TEST(seen == (std::vector{1, 4, 9, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_stored_and_not_taken_is_counted) {
  px::queue<int> q({.limit = 2});
  for (int i = 0; i < 5; ++i) q.start(px::make_parallel(square), i);
  q.finish();
  BOOST_TEST(q.size() == 5u);
  BOOST_TEST(q.next().has_value());
  BOOST_TEST(q.size() == 4u);
  int left = 0;
  for ([[maybe_unused]] int r : q) ++left;
  BOOST_TEST(left == 4);
  BOOST_TEST(q.empty());
}

BOOST_AUTO_TEST_CASE(what_is_started_later_can_be_iterated_over_again) {
  px::queue<int> q({.limit = 2});
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) q.start(px::make_parallel(square), i);
    int sum = 0;
    for (int r : q) sum += r;
    BOOST_TEST(sum == 14);
  }
}

BOOST_AUTO_TEST_CASE(a_task_started_while_results_are_taken_gives_one_too) {
  px::queue<int> q({.limit = 2});
  q.start(px::make_parallel([](int n) { return n; }), 0);
  std::vector<int> seen;
  for (int r : q) {
    seen.push_back(r);
    if (r < 5) q.start(px::make_parallel([](int n) { return n + 1; }), r);
  }
  BOOST_TEST(seen == (std::vector{0, 1, 2, 3, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(continuous_channels_give_as_many_as_they_send) {
  for (int const limit : {1, 2, 11}) {
    px::queue<int> rows({.limit = limit, .continuous = true});
    for (int i = 0; i < 11; ++i)
      rows.start([](px::channel& up, int row) {
        for (int c = 0; c < row; ++c) up.send(row * 100 + c);
      }, i);
    std::map<int, int> next;
    for (int cell : rows) BOOST_TEST(cell % 100 == next[cell / 100]++);  // in order within each channel
    BOOST_TEST(next.size() == 10u);                                      // the first one sends none
    for (auto const& [row, count] : next) BOOST_TEST(count == row);
  }
}

BOOST_AUTO_TEST_CASE(functions_that_return_nothing_give_nothing_and_are_done) {
  px::queue<std::monostate> q({.limit = 2});
  for (int i = 0; i < 4; ++i) q.start(px::make_parallel([](int) {}), i);
  int count = 0;
  for ([[maybe_unused]] std::monostate m : q) ++count;
  BOOST_TEST(count == 4);
}

BOOST_AUTO_TEST_CASE(results_that_can_only_be_moved_are_moved) {
  px::queue<std::unique_ptr<int>> q({.limit = 2});
  for (int i = 0; i < 4; ++i) q.start(px::make_parallel([](int n) { return std::make_unique<int>(n); }), i);
  int sum = 0;
  while (auto r = q.next()) sum += **r;
  BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(a_failure_is_thrown_where_its_result_is_taken_and_iteration_can_go_on) {
  px::queue<int> q({.limit = 2});
  for (int i = 0; i < 6; ++i)
    q.start(px::make_parallel([](int n) {
      if (n % 3 == 0) throw std::range_error("three");
      return n;
    }), i);
  int good = 0, bad = 0;
  for (auto i = q.begin(); i != q.end(); ++i) try {
      good += *i;
    } catch (px::remote_exception const& e) {
      BOOST_TEST(e.type_name() == "std::range_error");
      BOOST_TEST(e.message() == "three");
      ++bad;
    }
  BOOST_TEST(good == 12);
  BOOST_TEST(bad == 2);
}

BOOST_AUTO_TEST_CASE(outcomes_tell_successes_and_failures_alike_and_whose_they_are) {
  px::queue<int> q({.limit = 11});
  for (int i = 0; i < 11; ++i)
    q.start(px::make_parallel([](int n) {
      if (n == 4) ::raise(SIGKILL);
      return n;
    }), i);
  std::set<std::size_t> seen;
  for (px::outcome<int> const& o : q.outcomes()) {
    seen.insert(o.index());
    if (o) BOOST_TEST(*o == static_cast<int>(o.index()));
    else BOOST_TEST(o.index() == 4u);
  }
  BOOST_TEST(seen.size() == 11u);
}

BOOST_AUTO_TEST_CASE(a_heartbeat_goes_on_while_nothing_arrives) {
  gate held;
  px::queue<int> q;
  q.start([&](px::channel& up) { held.wait(), up.send(1); });
  int beats = 0;
  while (!q.store(5ms))
    if (++beats == 3) held.open();
  BOOST_TEST(beats >= 3);
  BOOST_TEST(q.size() == 1u);
  BOOST_TEST(*q.next() == 1);
  BOOST_TEST(!q.next());
}

BOOST_AUTO_TEST_CASE(text_and_vectors_and_pairs_travel) {
  px::queue<std::pair<std::string, std::vector<int>>> q({.limit = 2});
  for (int i = 0; i < 3; ++i)
    q.start(px::make_parallel([](std::string const& s, int n) {
      return std::pair(s + "!", std::vector<int>(static_cast<std::size_t>(n), n));
    }), "text", i);
  std::size_t total = 0;
  for (auto const& [text, numbers] : q) {
    BOOST_TEST(text == "text!");
    total += numbers.size();
  }
  BOOST_TEST(total == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
