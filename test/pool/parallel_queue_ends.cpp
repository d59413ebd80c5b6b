// The ends of a queue belong to the thread that has them for itself, until another comes: each case begins with one
// producer and one consumer that have used theirs often enough.
#define BOOST_TEST_MODULE parallel_queue_ends
#include "support/foreign.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int often = 500;

int same(int n) { return n; }
int half(int n) { return n / 2; }

/// This thread is the producer and the consumer, and both ends are its own.
void make_mine(px::parallel_queue<int>& queue) {
  for (int first = 0; first < often; first += 50) {
    for (int n = first; n < first + 50; ++n) queue.put(same, n);
    for (int n = first; n < first + 50; ++n) BOOST_REQUIRE(queue.get() == n);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_ends, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(producers_and_consumers_who_come_late_lose_nothing_and_keep_the_order) {
  constexpr std::uint64_t each = 20'000;
  constexpr int producers = 3, consumers = 3;
  px::parallel_queue<int> queue({.workers = 2});
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<bool> good = true;
  std::vector<std::atomic<int>> seen(producers * each);
  auto const produce = [&](int who) {
    for (std::uint64_t n = 0, before = 0; n < each; ++n) {
      std::uint64_t const number = queue.put(same, static_cast<int>(who * each + n));
      if (n > 0 && number <= before) good = false;
      before = number;
    }
  };
  auto const consume = [&] {
    std::optional<std::size_t> before;
    std::vector<int> last(producers, -1);
    for (auto const& o : queue.outcomes()) {
      if (before && o.index() <= *before) good = false;
      before = o.index();
      int const who = *o / static_cast<int>(each);
      if (*o <= last[static_cast<std::size_t>(who)]) good = false;
      last[static_cast<std::size_t>(who)] = *o;
      ++seen[static_cast<std::size_t>(*o)];
      ++taken;
    }
  };
  std::vector<std::thread> threads;
  std::vector<std::thread> sources;
  sources.emplace_back(produce, 0);
  threads.emplace_back(consume);
  while (taken < each / 4) std::this_thread::yield();
  for (int i = 1; i < producers; ++i) sources.emplace_back(produce, i);
  for (int i = 1; i < consumers; ++i) threads.emplace_back(consume);
  for (auto& t : sources) t.join();
  queue.stop();
  for (auto& t : threads) t.join();
  BOOST_TEST(good.load());
  BOOST_TEST(taken.load() == producers * each);
  for (auto const& s : seen) BOOST_REQUIRE(s.load() == 1);
}

BOOST_AUTO_TEST_CASE(one_thread_after_another_may_have_them) {
  px::parallel_queue<int> queue({.workers = 2});
  for (int round = 0; round < 4; ++round) std::thread([&] { make_mine(queue); }).join();
  make_mine(queue);
}

BOOST_AUTO_TEST_CASE(items_of_all_kinds_keep_their_places) {
  px::parallel_queue<int> queue({.workers = 2});
  make_mine(queue);
  std::mt19937 random(3);
  std::vector<int> expected;
  std::thread producer([&] {
    for (int n = 0; n < 20'000; ++n) {
      std::string const text(random() % 40, 'x');
      std::vector<char> const large(n % 2000 == 0 ? 100'000 : 0, 'y');
      switch (random() % 8) {
        case 0: queue.pass(n), expected.push_back(n); break;
        case 1: queue.put(half, n), expected.push_back(n / 2); break;
        case 2: queue.put([](std::string const& s) { return static_cast<int>(s.size()); }, text),
                expected.push_back(static_cast<int>(text.size())); break;
        case 3: queue.put([](std::vector<char> const& v) { return static_cast<int>(v.size()); }, large),
                expected.push_back(static_cast<int>(large.size())); break;
        case 4: queue.put([](int a, int b) { return a - b; }, n, 7), expected.push_back(n - 7); break;
        default: queue.put(same, n), expected.push_back(n);
      }
    }
    queue.stop();
  });
  std::vector<int> got;
  for (int const n : queue) got.push_back(n);
  producer.join();
  BOOST_TEST((got == expected));
}

BOOST_AUTO_TEST_CASE(whoever_waits_is_woken_however_the_moments_fall) {
  px::parallel_queue<int> queue({.workers = 2});
  make_mine(queue);
  std::mt19937 random(4);
  for (int round = 0; round < 3'000; ++round) {
    int const some = 1 + static_cast<int>(random() % 5);
    for (int n = 0; n < some; ++n) {
      queue.put(same, n);
      if (random() % 4 == 0)
        for (unsigned spin = random() % 3'000; spin > 0; --spin) asm volatile("");
    }
    for (int n = 0; n < some; ++n) BOOST_REQUIRE(queue.try_get_for(20s) == n);
  }
}

BOOST_AUTO_TEST_CASE(a_producer_without_room_is_woken_however_the_moments_fall) {
  for (std::size_t const capacity : {1, 2, 3, 50}) {
    px::parallel_queue<int> queue({.workers = 2, .capacity = capacity});
    constexpr int count = 4'000;
    std::thread producer([&] {
      for (int n = 0; n < count; ++n)
        if (!queue.try_put_for(20s, same, n)) break;
      queue.stop();
    });
    std::mt19937 random(5);
    int next = 0;
    for (int const n : queue) {
      BOOST_REQUIRE(n == next++);
      if (random() % 50 == 0)
        for (unsigned spin = random() % 3'000; spin > 0; --spin) asm volatile("");
    }
    producer.join();
    BOOST_TEST(next == count);
  }
}

BOOST_AUTO_TEST_CASE(what_is_put_is_run_though_nothing_more_is_put) {
  observe::shared<std::atomic<int>> ran;
  auto const count = [&] { return ran->load(); };
  px::parallel_single_task_queue queue([&](int n) { return ++*ran, n; }, px::parallel_queue_options{.workers = 2});
  std::mt19937 random(6);
  int all = 0;
  for (int round = 0; round < 200; ++round) {
    for (unsigned n = random() % 200; n > 0; --n) queue.put(all++);
    while (count() < all) ::usleep(100);  // nobody takes the results
  }
  queue.stop();
  int next = 0;
  for (int const n : queue) BOOST_REQUIRE(n == next++);
  BOOST_TEST(next == all);
}

BOOST_AUTO_TEST_CASE(those_who_wait_asynchronously_are_served_beside_who_has_the_end_for_himself) {
  px::parallel_queue<int> queue({.workers = 2});
  make_mine(queue);
  for (int round = 0; round < 200; ++round) {
    std::future<std::optional<int>> first = queue.async_get(asio::use_future), second = queue.async_get(asio::use_future);
    std::future<void> const put = queue.async_put(px::call(same, 1), asio::use_future);
    for (int n = 2; n < 10; ++n) queue.put(same, n);
    for (int n = 3; n < 10; ++n) BOOST_REQUIRE(queue.get() == n);
    BOOST_REQUIRE(first.get() == 1);
    BOOST_REQUIRE(second.get() == 2);
  }
}

std::string long_text(int n) { return std::string(900, static_cast<char>('a' + n % 26)); }

BOOST_AUTO_TEST_CASE(the_work_goes_on_when_only_those_who_wait_asynchronously_take_results) {
  px::parallel_queue<std::string> queue({.workers = 1, .capacity_bytes = 1000});
  std::vector<std::future<std::optional<std::string>>> gets;
  for (int n = 0; n < 20; ++n) gets.push_back(queue.async_get(asio::use_future));
  for (int n = 0; n < 20; ++n) queue.put(long_text, n);
  for (int n = 0; n < 20; ++n) {
    BOOST_REQUIRE((gets[static_cast<std::size_t>(n)].wait_for(20s) == std::future_status::ready));
    BOOST_TEST((gets[static_cast<std::size_t>(n)].get() == long_text(n)));
  }
}

BOOST_AUTO_TEST_CASE(the_work_goes_on_whoever_serves_those_who_wait_asynchronously) {
  for (bool const polls : {true, false}) {
    px::parallel_queue<std::string> queue({.workers = 1, .capacity_bytes = 1000});
    for (int round = 0; round < 300; ++round) {
      auto waiting = queue.async_get(asio::use_future);
      std::atomic<bool> got = false;
      std::thread consumer([&] {
        if (!polls) got = queue.try_get_for(20s).has_value();
        auto const end = std::chrono::steady_clock::now() + 20s;
        while (!got && polls && std::chrono::steady_clock::now() < end) got = queue.try_get().has_value();
      });
      queue.put(long_text, round);
      queue.put(long_text, round);
      consumer.join();
      BOOST_REQUIRE(got);
      BOOST_REQUIRE((waiting.wait_for(20s) == std::future_status::ready));
    }
  }
}

BOOST_AUTO_TEST_CASE(where_one_may_not_wait_one_never_may) {
  asio::io_context io;
  px::parallel_queue<int> queue(io, {.workers = 1});
  for (int n = 0; n < often; ++n) queue.async_put(px::call(same, n), asio::detached);
  for (int taken = 0; taken < often / 2;) {
    io.run_one();
    while (taken < often / 2 && queue.try_get()) ++taken;
  }
  BOOST_CHECK_THROW(queue.get(), px::sequence_error);
}

struct only_moved {
  int number = 0;
  only_moved() = default;
  only_moved(only_moved&&) = default;
  only_moved& operator=(only_moved&&) = default;
};
static_assert(std::is_trivially_copyable_v<only_moved>);
only_moved moved(int n) {
  only_moved m;
  m.number = n;
  return m;
}

BOOST_AUTO_TEST_CASE(a_result_may_be_one_that_is_only_moved) {
  px::parallel_queue<only_moved> queue({.workers = 1});
  for (int n = 0; n < often; ++n) queue.put(moved, n);
  for (int n = 0; n < often; ++n) BOOST_REQUIRE(queue.get().number == n);
}

BOOST_AUTO_TEST_CASE(room_for_those_who_put_asynchronously_is_made_by_who_has_the_exit_for_himself) {
  px::parallel_queue<int> queue({.workers = 2, .capacity = often});
  make_mine(queue);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<void>> puts;
    for (int n = 0; n < 2 * often; ++n) puts.push_back(queue.async_put(px::call(same, n), asio::use_future));
    for (int n = 0; n < 2 * often; ++n) BOOST_REQUIRE(queue.try_get_for(20s) == n);
    for (auto& p : puts) p.get();
  }
}

BOOST_AUTO_TEST_CASE(who_waits_for_room_is_not_passed_by_on_the_shortest_way) {
  px::parallel_queue<int> queue({.workers = 2, .capacity_bytes = 4000});
  std::atomic<bool> asked = false;
  std::thread producer([&] {
    for (int n = 0; n < often; ++n) queue.put(same, n);
    auto const length = [](std::string const& s) { return static_cast<int>(s.size()); };
    std::future<void> const large = queue.async_put(px::call(length, std::string(3900, 'x')), asio::use_future);
    asked = true;
    queue.put(same, often);
    queue.stop();
  });
  while (!asked) std::this_thread::yield();
  ::usleep(20'000);  // the more surely a put that does not wait is seen
  for (int n = 0; n < often; ++n) BOOST_REQUIRE(queue.get() == n);
  BOOST_TEST(queue.get() == 3900);
  BOOST_TEST(queue.get() == often);
  producer.join();
}

BOOST_AUTO_TEST_CASE(in_a_forked_child_they_are_nobody_s) {
  px::parallel_queue<int> queue({.workers = 2});
  make_mine(queue);
  queue.put(same, 1);
  queue.put(same, 2);
  BOOST_TEST(queue.get() == 1);  // the other may be where this thread need not ask anybody
  BOOST_TEST(processes::code_of_fork([&] {
               ::alarm(20);
               CHILD_CHECK(is_refused_as_foreign([&] { queue.put(same, 3); }));
               CHILD_CHECK(is_refused_as_foreign([&] { queue.get(); }));
               return 0;
             }) == 0);
  BOOST_TEST(queue.get() == 2);
}

BOOST_AUTO_TEST_CASE(a_limit_of_bytes_holds_on_the_shortest_way_too) {
  px::parallel_queue<int> queue({.workers = 2, .capacity_bytes = 1000});
  make_mine(queue);
  int put = 0;
  while (queue.try_put_for(50ms, same, put)) ++put;
  BOOST_TEST(put <= 250);
  BOOST_TEST(put > 100);
  for (int n = 0; n < put; ++n) BOOST_REQUIRE(queue.get() == n);
  struct wide {
    char bytes[48];
  };
  px::parallel_queue<int> narrow({.workers = 2, .frame_limit = 40});
  make_mine(narrow);
  BOOST_CHECK_THROW(narrow.put([](wide const&) { return 0; }, wide()), px::protocol_error);
}

BOOST_AUTO_TEST_SUITE_END()
