// Three stages with processes of their own, at most 8 items under way, some of which throw and some of which end their process, and
// a reader who is slow: again and again, PROCX_PIPELINES times (scripts/torture pipelines: ten thousand).
#define BOOST_TEST_MODULE pipelines
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ranges>
#include <set>
#include <stdexcept>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace {

namespace px = procx;

constexpr int items = 60;

/// Which of the items have which end: 7, 27, 47 throw in the first stage, 13, 43 end the second's process, 31 throws in the third.
int first(int n) { return n % 20 == 7 ? throw std::runtime_error("thrown") : n; }
int second(int n) { return n % 30 == 13 ? (::_exit(1), n) : n; }
int third(int n) { return n == 31 ? throw std::runtime_error("thrown") : n; }

void run_once(bool ordered, int slow_every) {
  px::stage_options const how{.workers = 2, .ordered = ordered};
  auto p = px::pipeline({.max_size = 8}).add_task(first, how).add_task(second, how).add_task(third, how);
  p.start();
  std::jthread const feeder([&] {
    for (int n = 0; n < items; ++n) p.feed(n);
    static_cast<void>(p.join());
  });
  std::set<int> got;
  int last = -1, count = 0;
  for (int const n : p.as_completed(px::skip_failures)) {
    BOOST_TEST(got.insert(n).second);
    if (ordered) BOOST_TEST(last < n);
    last = n;
    if (++count % slow_every == 0) ::usleep(500);
  }
  BOOST_TEST(got.size() == items - 6u);
  auto const s = p.join();
  BOOST_TEST((s.in == items && s.out == items - 6u && s.failed == 6u && s.dropped + s.added + s.lost == 0u));
  std::set<std::uint64_t> failed;
  for (auto const& f : p.failures()) failed.insert(f.item);
  BOOST_TEST((failed == std::set<std::uint64_t>{7, 13, 27, 31, 43, 47}));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pipelines, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(whatever_goes_wrong_each_item_ends_once) {
  char const* const text = std::getenv("PROCX_PIPELINES");
  int const times = text ? std::atoi(text) : observe::instrumented ? 10 : 60;
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (int i = 0; i < times; ++i) {
    ::alarm(60);  // what hangs is killed
    run_once(i % 2 == 0, 1 + i % 9);
  }
  ::alarm(0);
}

BOOST_AUTO_TEST_CASE(as_many_workers_as_items_or_a_hundred_of_them) {
  for (int const workers : {63, 100}) {
    auto p = px::pipeline().add_task([](int n) { return n; }, {.workers = workers, .chunk_size = 1}).add_task(third, {.workers = 1});
    p.start();
    p.feed_chunk(std::views::iota(100, 100 + workers));
    BOOST_TEST(p.join().out == static_cast<unsigned>(workers));
  }
}

BOOST_AUTO_TEST_SUITE_END()
