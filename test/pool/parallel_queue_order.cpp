#define BOOST_TEST_MODULE parallel_queue_order
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <unistd.h>

namespace px = procx;
using observe::gate;

namespace {

template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

struct origin {
  int producer;
  int number;
};
origin same(origin o) { return o; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_order, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(all_24_orders_in_which_four_tasks_can_end_give_the_same_order) {
  std::array<gate, 4> gates;
  gate after;
  observe::shared<std::array<std::atomic<int>, 4>> begun, ended;
  observe::shared<std::atomic<int>> probes(0);
  px::parallel_single_task_queue queue(
      [&](std::size_t n) {
        if (n >= 4) return ++*probes, after.wait(), n;
        ++(*begun)[n];
        gates[n].wait();
        ++(*ended)[n];
        return n;
      },
      {.workers = 4, .window = 1});
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  int rounds = 0;
  do {
    ++rounds;
    for (std::size_t n = 0; n < 4; ++n) queue.put(n);
    for (std::size_t n = 0; n < 4; ++n) until([&] { return (*begun)[n] == rounds; });
    for (std::size_t i = 0; i < 4; ++i) {
      std::size_t const n = order[i];
      BOOST_TEST((*ended)[n] == rounds - 1);
      gates[n].let_through(1);
      // All workers have a task, so this one runs when the result has come: only then does the next one end.
      queue.put(4 + i);
      until([&] { return *probes == 4 * (rounds - 1) + static_cast<int>(i) + 1; });
      BOOST_TEST((*ended)[n] == rounds);
    }
    after.let_through(4);
    for (std::size_t n = 0; n < 8; ++n) BOOST_TEST(queue.get() == n);
  } while (std::ranges::next_permutation(order).found);
  BOOST_TEST(rounds == 24);
}

BOOST_AUTO_TEST_CASE(a_slow_task_holds_up_the_order_but_not_the_work) {
  gate held;
  observe::shared<std::atomic<int>> ran(0);
  px::parallel_single_task_queue queue(
      [&](int n) {
        if (n == 0) held.wait();
        ++*ran;
        return n;
      },
      {.workers = 2});
  for (int n = 0; n < 1000; ++n) queue.put(n);
  until([&] { return *ran == 999; });
  BOOST_TEST(!queue.try_get());
  BOOST_TEST(queue.size() == 1000u);
  held.open();
  for (int n = 0; n < 1000; ++n) BOOST_TEST(queue.get() == n);
}

BOOST_AUTO_TEST_CASE(random_times_and_random_pauses_do_not_disturb_the_order) {
  int const count = processes::sanitized ? 1000 : 5000;
  for (unsigned const seed : {1u, 2u, 3u})
    for (int const workers : {1, 2, 11}) {
      px::parallel_queue<int> queue({.workers = workers, .capacity = std::size_t{10} << (2 * seed)});
      std::thread producer([&] {
        std::mt19937 random(seed);
        for (int n = 0; n < count; ++n) {
          auto const how = random() % 100;
          if (how < 5)
            queue.pass(n);
          else if (how < 10)
            queue.put([](int i) { return ::usleep(static_cast<unsigned>(i) % 500), i; }, n);
          else
            queue.put([](int i) { return i; }, n);
          if (how == 99) std::this_thread::yield();
        }
        queue.stop();
      });
      int next = 0;
      bool in_order = true;
      for (int const r : queue) in_order = in_order && r == next++;
      BOOST_TEST(in_order);
      BOOST_TEST(next == count);
      producer.join();
    }
}

BOOST_AUTO_TEST_CASE(a_put_that_returned_before_another_began_precedes_it) {
  px::parallel_queue<std::uint64_t> queue({.workers = 2});
  std::uint64_t const turns = processes::sanitized ? 500 : 5000;
  std::atomic<std::uint64_t> turn = 0;
  std::vector<std::thread> producers;
  for (std::uint64_t t = 0; t < 2; ++t)
    producers.emplace_back([&, t] {
      for (std::uint64_t n = t; n < turns; n += 2) {
        until([&] { return turn == n; });
        queue.put([](std::uint64_t i) { return i; }, n);
        ++turn;
      }
    });
  for (std::uint64_t n = 0; n < turns; ++n) BOOST_TEST(queue.get() == n);
  for (std::thread& p : producers) p.join();
}

BOOST_AUTO_TEST_CASE(many_producers_and_consumers_lose_nothing_and_each_sees_the_order) {
  int const each = processes::sanitized ? 1000 : 10'000;
  px::parallel_queue<origin> queue({.workers = 2, .capacity = 500});
  std::vector<std::thread> producers, consumers;
  std::mutex mutex;
  std::vector<std::vector<int>> seen(4);  // of each producer, by anybody
  std::atomic<bool> in_order = true;
  for (int c = 0; c < 3; ++c)
    consumers.emplace_back([&] {
      std::map<int, int> last;
      for (origin const& o : queue) {
        auto const [at, first] = last.emplace(o.producer, -1);
        if (at->second >= o.number) in_order = false;
        at->second = o.number;
        std::lock_guard const lock(mutex);
        seen[static_cast<std::size_t>(o.producer)].push_back(o.number);
      }
    });
  for (int p = 0; p < 4; ++p)
    producers.emplace_back([&, p] {
      for (int n = 0; n < each; ++n) queue.put(same, origin{p, n});
    });
  for (std::thread& t : producers) t.join();
  queue.stop();
  for (std::thread& t : consumers) t.join();
  BOOST_TEST(in_order);
  for (auto& numbers : seen) {
    std::ranges::sort(numbers);
    BOOST_TEST(numbers.size() == static_cast<std::size_t>(each));
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] != static_cast<int>(i)) BOOST_FAIL("number " << i << " is missing, or came twice");
  }
}

BOOST_AUTO_TEST_SUITE_END()
