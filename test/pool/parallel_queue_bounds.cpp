#define BOOST_TEST_MODULE parallel_queue_bounds
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

void spin_for(std::chrono::nanoseconds time) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {}
}

std::size_t memory_in_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t kib = 0; word == "VmRSS:" && status >> kib) return kib;
  return 0;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_bounds, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(with_nobody_getting_putting_stops_and_a_put_that_times_out_burns_no_place) {
  for (std::size_t const capacity : {1u, 2u, 8u, 100u}) {
    px::parallel_single_task_queue queue([](int n) { return n; }, {.workers = 2, .capacity = capacity});
    int accepted = 0;
    while (queue.try_put_for(5ms, accepted)) ++accepted;
    BOOST_TEST(accepted == static_cast<int>(capacity));
    BOOST_TEST(!queue.try_put_for(0ms, -1));
    BOOST_TEST(queue.size() == capacity);
    BOOST_TEST(queue.get() == 0);
    BOOST_TEST(queue.try_put_for(0ms, accepted));
    BOOST_TEST(!queue.try_put_for(0ms, -1));
    for (int n = 1; n <= accepted; ++n) BOOST_TEST(queue.get() == n);
  }
}

BOOST_AUTO_TEST_CASE(one_that_waits_goes_on_when_one_place_is_free_however_many_there_are) {
  px::parallel_single_task_queue queue([](int n) { return n; }, {.workers = 1, .capacity = 1000});
  for (int n = 0; n < 1000; ++n) queue.put(n);
  std::atomic<bool> put = false;
  std::thread producer([&] {
    queue.put(1000);
    put = true;
  });
  BOOST_TEST(!queue.join_for(5ms));
  BOOST_TEST(!put);
  BOOST_TEST(queue.get() == 0);
  producer.join();
  BOOST_TEST(queue.size() == 1000u);
}

BOOST_AUTO_TEST_CASE(bytes_of_arguments_are_bounded) {
  gate held;
  px::parallel_single_task_queue queue([&](std::string const& s) { return held.wait(), s.size(); },
                                       {.workers = 1, .capacity_bytes = 100'000});
  int accepted = 0;
  while (queue.try_put_for(10ms, std::string(30'000, 'x'))) ++accepted;
  BOOST_TEST(accepted == 3);
  std::thread producer([&] { queue.put(std::string(30'000, 'x')); });
  held.open();
  producer.join();  // nobody gets, but arguments are gone
  for (int n = 0; n < 4; ++n) BOOST_TEST(queue.get() == 30'000u);
  queue.put(std::string(500'000, 'x'));  // alone, whatever its size
  BOOST_TEST(queue.get() == 500'000u);
}

BOOST_AUTO_TEST_CASE(bytes_of_results_are_bounded_and_the_work_goes_on_when_they_are_taken) {
  observe::shared<std::atomic<int>> ran(0);
  px::parallel_single_task_queue queue([&](int n) { return ++*ran, std::string(100'000, static_cast<char>('a' + n % 26)); },
                                       {.workers = 2, .capacity_bytes = 1'000'000});
  int accepted = 0;
  while (accepted < 200 && queue.try_put_for(20ms, accepted)) ++accepted;
  until([&] { return *ran >= 5; });
  BOOST_TEST(!queue.join_for(20ms));
  BOOST_TEST(*ran <= 30);
  for (int n = 0; n < 200; ++n) {
    for (; accepted < 200 && queue.try_put_for(0ms, accepted); ++accepted) {}
    BOOST_TEST((queue.get() == std::string(100'000, static_cast<char>('a' + n % 26))));
    BOOST_TEST(*ran <= n + 31);
  }
}

BOOST_AUTO_TEST_CASE(a_slow_consumer_and_a_million_items_take_constant_memory) {
  int const count = processes::sanitized ? 10'000 : 1'000'000;
  px::parallel_single_task_queue queue([](int n) { return n; }, {.workers = 2});
  std::thread producer([&] {
    for (int n = 0; n < count; ++n) queue.put(n);
    queue.stop();
  });
  std::size_t warm = 0, most = 0, longest = 0;
  int next = 0;
  bool in_order = true;
  for (int const r : queue) {
    in_order = in_order && r == next++;
    spin_for(2us);  // ten times what the producer takes
    if (next == count / 4) warm = memory_in_kib();  // the queue has been full by then
    if (next % 10'000 == 0) most = std::max(most, memory_in_kib());
    if (next % 100 == 0) longest = std::max(longest, queue.size());
  }
  producer.join();
  BOOST_TEST(in_order);
  BOOST_TEST(next == count);
  BOOST_TEST(longest <= 2u * 32768);
  if (!processes::sanitized) BOOST_TEST(most <= warm + 4096);  // the items themselves would be 12 MB
}

BOOST_AUTO_TEST_CASE(a_slow_producer_and_a_fast_consumer_take_constant_memory) {
  int const count = processes::sanitized ? 5'000 : 1'000'000;
  px::parallel_single_task_queue queue([](int n) { return n; }, {.workers = 2});
  std::thread producer([&] {
    for (int n = 0; n < count; ++n) {
      queue.put(n);
      spin_for(2us);
    }
    queue.stop();
  });
  std::size_t warm = 0, most = 0;
  int next = 0;
  bool in_order = true;
  for (int const r : queue) {
    in_order = in_order && r == next++;
    if (next == count / 10) warm = memory_in_kib();
    if (next % 10'000 == 0) most = std::max(most, memory_in_kib());
  }
  producer.join();
  BOOST_TEST(in_order);
  BOOST_TEST(next == count);
  if (!processes::sanitized) BOOST_TEST(most <= warm + 2048);
}

BOOST_AUTO_TEST_CASE(a_flood_of_failures_with_a_bound_of_two_takes_constant_memory) {
  for (bool const dies : {false, true}) {
    int const count = processes::sanitized ? 100 : dies ? 1000 : 20'000;
    px::parallel_single_task_queue queue(
        [dies](int n) -> int {
          if (dies) ::raise(SIGKILL);
          throw std::runtime_error("number " + std::to_string(n));
        },
        {.workers = 2, .capacity = 2});
    std::thread producer([&] {
      for (int n = 0; n < count; ++n) queue.put(n);
      queue.stop();
    });
    std::size_t warm = 0, most = 0, longest = 0;
    int next = 0, failures = 0;
    for (px::outcome<int> const& o : queue.outcomes()) {
      failures += !o;
      if (++next == count / 5) warm = memory_in_kib();
      if (next > count / 5 && next % 100 == 0) most = std::max(most, memory_in_kib());
      longest = std::max(longest, queue.size());
    }
    producer.join();
    BOOST_TEST(failures == count);
    BOOST_TEST(longest <= 2u);
    if (!processes::sanitized) BOOST_TEST(most <= warm + 1024);
  }
}

BOOST_AUTO_TEST_SUITE_END()
