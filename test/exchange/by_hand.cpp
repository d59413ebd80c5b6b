// An owner that asks which channels are ready, where processes are reused: it gets every result, and waits in between.
#define BOOST_TEST_MODULE by_hand
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <unistd.h>

namespace px = procx;

namespace {

int square(int n) { return n * n; }
int fails_at(int which, int n) { return n == which ? throw std::runtime_error("no") : n; }
int dies_at(int which, int n) {
  if (n == which) ::raise(SIGKILL);
  return n;
}
/// Reusable code that takes its parameters itself.
void square_by_hand(px::channel& up, int n) {
  for (std::optional next{std::tuple(n)}; next; next = up.receive<std::optional<std::tuple<int>>>())
    up.send(square(std::get<0>(*next)));
}

struct seen {
  std::vector<int> values;
  int failures = 0;
  std::size_t turns = 0;
};

/// The plain loop.
seen look_after(px::exchange& e) {
  seen all;
  for (; e.unfinished(); ++all.turns)
    for (px::channel& ch : e.ready()) try {
        all.values.push_back(ch.receive<int>());
      } catch (px::error const&) {
        ++all.failures;
      }
  std::ranges::sort(all.values);
  return all;
}

std::vector<int> squares(int count) {
  std::vector<int> all;
  for (int n = 0; n < count; ++n) all.push_back(square(n));
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(by_hand, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(the_plain_loop_gets_every_result_and_turns_no_more_than_it_must) {
  for (int const limit : {1, 2, 11}) {
    px::exchange e({.limit = limit, .reuse = true});
    for (int n = 0; n < 100; ++n) e.start(px::make_reusable(square), n);
    seen const all = look_after(e);
    BOOST_TEST(all.values == squares(100));
    BOOST_TEST(all.turns <= 100u);
    BOOST_TEST(e.ready().empty());
    BOOST_TEST(e.active().empty());
  }
}

BOOST_AUTO_TEST_CASE(failures_and_deaths_are_received_like_results) {
  for (int const limit : {1, 2, 11}) {
    px::exchange e({.limit = limit, .reuse = true});
    for (int n = 0; n < 20; ++n) {
      e.start(px::make_reusable(fails_at), 7, n);
      e.start(px::make_reusable(dies_at), 9, n);
    }
    seen const all = look_after(e);
    BOOST_TEST(all.values.size() == 38u);
    BOOST_TEST(all.failures == 2);
    BOOST_TEST(all.turns <= 41u);
  }
}

BOOST_AUTO_TEST_CASE(what_nobody_takes_is_told_again_and_its_worker_is_active) {
  px::exchange e({.limit = 1, .reuse = true});
  for (int n = 1; n < 4; ++n) e.start(px::make_reusable(square), n);
  auto const first = e.ready();
  BOOST_REQUIRE(first.size() == 1u);
  for (int again = 0; again < 3; ++again) {
    auto const ready = e.ready();
    BOOST_REQUIRE(ready.size() == 1u);
    BOOST_TEST(&ready[0].get() == &first[0].get());
    BOOST_TEST(e.unfinished());
    BOOST_REQUIRE(e.active().size() == 1u);
    BOOST_TEST(&e.active()[0].get() == &first[0].get());
  }
  BOOST_CHECK_THROW((void)e.remove(first[0]), std::invalid_argument);
  BOOST_TEST(look_after(e).values == std::vector({1, 4, 9}));
  BOOST_TEST(e.removed().empty());
}

BOOST_AUTO_TEST_CASE(large_results_last_until_they_are_taken) {
  px::exchange e({.limit = 2, .reuse = true});
  auto const count_up = [](int n) {
    std::vector<int> v(100'000);
    std::iota(v.begin(), v.end(), n);
    return v;
  };
  for (int n = 0; n < 8; ++n) e.start(px::make_reusable(count_up), n);
  std::vector<int> firsts;
  while (e.unfinished())
    for (px::channel& ch : e.ready()) {
      auto const v = ch.receive<std::vector<int>>();
      BOOST_TEST(v.back() == v.front() + 99'999);
      firsts.push_back(v.front());
    }
  std::ranges::sort(firsts);
  BOOST_TEST(firsts == std::vector({0, 1, 2, 3, 4, 5, 6, 7}));
}

BOOST_AUTO_TEST_CASE(code_that_works_with_its_channel_gets_the_next_parameters_here_too) {
  for (int const limit : {1, 2, 11}) {
    px::exchange e({.limit = limit, .reuse = true});
    auto const work = e.manage(square_by_hand);
    for (int n = 0; n < 20; ++n) work(n);
    seen const all = look_after(e);
    BOOST_TEST(all.values == squares(20));
    BOOST_TEST(all.failures == 0);
  }
}

BOOST_AUTO_TEST_CASE(code_that_ends_after_its_result_loses_nothing) {
  px::exchange e({.limit = 2, .reuse = true});
  auto const once = e.manage([](px::channel& up, int n) { up.send(square(n)); });
  for (int n = 0; n < 20; ++n) once(n);
  BOOST_TEST(look_after(e).values == squares(20));
}

BOOST_AUTO_TEST_CASE(what_was_ready_can_be_stored_all_the_same) {
  px::queue<int> q({.limit = 2, .reuse = true});
  for (int n = 0; n < 50; ++n) q.start(px::make_reusable(square), n);
  std::vector<int> all;
  for (px::channel& ch : q.ready()) all.push_back(ch.receive<int>());
  BOOST_TEST(!q.ready().empty());  // and nobody takes it
  for (int const r : q) all.push_back(r);
  for (int n = 50; n < 60; ++n) q.start(px::make_reusable(square), n);
  for (int const r : q) all.push_back(r);
  std::ranges::sort(all);
  BOOST_TEST(all == squares(60));
}

BOOST_AUTO_TEST_SUITE_END()
