#define BOOST_TEST_MODULE event_count
#include "system/event_count.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using procx::detail::event_count;
using clock_type = std::chrono::steady_clock;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(event_count_)

BOOST_AUTO_TEST_CASE(what_has_happened_since_one_looked_is_not_waited_for) {
  event_count events;
  auto const seen = events.now();
  BOOST_TEST(!events.advance());
  BOOST_TEST(events.now() != seen);
  BOOST_TEST(events.wait_beyond(seen, event_count::deadline::max()));
  BOOST_TEST(events.wait_beyond(seen, clock_type::now() - 1s));
}

BOOST_AUTO_TEST_CASE(time_runs_out) {
  event_count events;
  BOOST_TEST(!events.wait_beyond(events.now(), clock_type::now() + 1ms));
  BOOST_TEST(!events.wait_beyond(events.now(), clock_type::now() - 1s));
  BOOST_TEST(!events.advance());  // nobody sleeps any more
}

BOOST_AUTO_TEST_CASE(all_who_sleep_are_woken) {
  event_count events;
  auto const seen = events.now();
  std::atomic<int> woken = 0;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 4; ++i)
    sleepers.emplace_back([&] { woken += events.wait_beyond(seen, event_count::deadline::max()); });
  events.tell();
  for (std::thread& t : sleepers) t.join();
  BOOST_TEST(woken.load() == 4);
}

BOOST_AUTO_TEST_CASE(who_looks_before_he_sleeps_misses_nothing) {
  event_count events;
  std::atomic<int> made = 0, taken = 0;
  constexpr int all = 20'000;
  std::thread maker([&] {
    for (int n = 0; n < all; ++n) {
      while (made - taken > 3) std::this_thread::yield();
      ++made;
      events.tell();
    }
  });
  while (taken < all) {
    auto const seen = events.now();
    if (made > taken)
      ++taken;
    else
      BOOST_REQUIRE(events.wait_beyond(seen, clock_type::now() + 20s));
  }
  maker.join();
}

BOOST_AUTO_TEST_SUITE_END()
