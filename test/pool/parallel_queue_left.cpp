// A consumer that leaves its loop: producers that wait for room, or come later, are freed, and need not think of it.
#define BOOST_TEST_MODULE parallel_queue_left
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

constexpr int count = 1000;
px::parallel_queue_options const small{.workers = 2, .capacity = 100};

int fails_at_five(int n) { return n == 5 ? throw std::runtime_error("five") : n; }
int same(int n) { return n; }

/// A producer that knows nothing of consumers; it ends, or the test does not.
template <class Put>
std::jthread produce(Put put, std::atomic<int>& produced) {
  return std::jthread([put, &produced] {
    for (int n = 0; n < count; ++n, ++produced) put(n);
  });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_left, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_failure_that_leaves_the_loop_arrives_outside_of_the_queue) {
  std::atomic<int> produced = 0;
  std::string caught;
  try {
    px::parallel_queue<int> queue(small);
    auto const producer = produce([&](int n) { queue.put(fails_at_five, n); }, produced);
    for (int const n : queue) BOOST_TEST(n < 5);
  } catch (px::remote_exception const& e) {
    caught = e.what();
  }
  BOOST_TEST(caught.find("five") != std::string::npos);
  BOOST_TEST(produced == count);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_loops_own_does_as_well) {
  std::atomic<int> produced = 0;
  auto const run = [&] {
    px::parallel_queue<int> queue(small);
    auto const producer = produce([&](int n) { queue.put(same, n); }, produced);
    for (auto const& o : queue.outcomes())
      if (o.index() == 7) throw std::logic_error("seven");
  };
  BOOST_CHECK_THROW(run(), std::logic_error);
  BOOST_TEST(produced == count);
}

BOOST_AUTO_TEST_CASE(break_frees_all_producers_of_all_kinds) {
  std::atomic<int> produced = 0, passed = 0, tried = 0;
  px::parallel_single_task_queue queue(same, small);
  {
    auto const one = produce([&](int n) { queue.put(n); }, produced);
    auto const two = produce([&](int n) { queue.pass(n); }, passed);
    auto const three = produce([&](int n) { while (!queue.try_put_for(1ms, n)) continue; }, tried);
    for (int const n : queue)
      if (n == 3) break;
  }
  BOOST_TEST(produced == count);
  BOOST_TEST(passed == count);
  BOOST_TEST(tried == count);
}

BOOST_AUTO_TEST_CASE(a_producer_that_stops_the_queue_at_its_end_may_do_so_though_nobody_listens) {
  px::parallel_queue<int> queue(small);
  std::jthread const producer([&] {
    for (int n = 0; n < count; ++n) queue.put(same, n);
    queue.stop();
  });
  for (int const n : queue)
    if (n == 3) break;
}

BOOST_AUTO_TEST_CASE(put_says_that_the_consumer_has_left) {
  px::parallel_queue<int> queue(small);
  for (int n = 0; n < 3; ++n) queue.put(same, n);
  BOOST_TEST(!queue.is_closed());
  for (int const n : queue) {
    BOOST_TEST(n == 0);
    break;
  }
  BOOST_TEST(queue.is_closed());
  BOOST_TEST(queue.put(same, 3) == queue.not_put);
  BOOST_TEST(queue.put([](std::string const& s) { return static_cast<int>(s.size()); }, "text") == queue.not_put);
  BOOST_TEST(queue.pass(3) == queue.not_put);
  queue.join();
}

BOOST_AUTO_TEST_CASE(a_later_loop_has_what_was_put_before_and_is_told_of_what_was_refused) {
  px::parallel_queue<int> queue(small);
  for (int n = 0; n < 10; ++n) queue.put(same, n);
  for (int const n : queue)
    if (n == 3) break;
  std::vector<int> rest;
  for (int const n : queue) rest.push_back(n);  // it has all that there was
  BOOST_TEST(rest == std::vector({4, 5, 6, 7, 8, 9}));
  queue.put(same, 10);
  auto const again = [&] {
    for (int const n : queue) BOOST_ERROR(n);
  };
  BOOST_CHECK_EXCEPTION(again(), px::queue_stopped,
                        [](auto const& e) { return std::string(e.what()).find("1 item") != std::string::npos; });
  again();  // and only once
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_on_while_another_is_left_keeps_the_queue_open) {
  px::parallel_queue<int> queue(small);
  for (int n = 0; n < 4; ++n) queue.put(same, n);
  auto at = queue.begin();
  BOOST_TEST(*at == 0);
  for (int const n : queue) {
    BOOST_TEST(n == 1);
    break;
  }
  auto moved = std::move(at);
  BOOST_TEST(!queue.is_closed());
  BOOST_TEST(*++moved == 2);
  queue.put(same, 4);
  queue.stop();
  BOOST_TEST(*++moved == 3);
  BOOST_TEST(*++moved == 4);
  BOOST_TEST((++moved == queue.end()));
}

BOOST_AUTO_TEST_CASE(an_iterator_that_gets_another_value_leaves_its_first_loop_and_not_the_second) {
  px::parallel_queue<int> queue(small);
  for (int n = 0; n < 3; ++n) queue.put(same, n);
  auto at = queue.begin();
  at = queue.begin();
  BOOST_TEST(*at == 1);
  BOOST_TEST(!queue.is_closed());
  BOOST_TEST(*++at == 2);
}

BOOST_AUTO_TEST_CASE(a_loop_that_comes_to_the_end_closes_nothing) {
  px::parallel_queue<int> queue(small);
  queue.put(same, 1);
  queue.stop();
  for (int const n : queue) BOOST_TEST(n == 1);
  BOOST_TEST(!queue.is_closed());
  BOOST_CHECK_THROW(queue.put(same, 2), px::queue_stopped);
}

BOOST_AUTO_TEST_CASE(a_consumer_without_a_loop_closes_the_queue_itself) {
  std::atomic<int> produced = 0;
  px::parallel_queue<int> queue(small);
  auto producer = produce([&](int n) { queue.put(same, n); }, produced);
  for (int n = 0; n < 10; ++n) BOOST_TEST(queue.get() == n);
  queue.close();
  producer.join();
  BOOST_TEST(produced == count);
}

BOOST_AUTO_TEST_CASE(an_iterator_may_outlive_its_queue) {
  std::optional<px::parallel_queue<int>> queue(std::in_place, small);
  queue->put(same, 1);
  auto const at = queue->begin();
  BOOST_TEST(*at == 1);
  queue.reset();
}

BOOST_AUTO_TEST_CASE(a_child_of_the_users_own_that_leaves_the_loop_closes_nothing_here) {
  px::parallel_queue<int> queue(small);
  for (int n = 0; n < 3; ++n) queue.put(same, n);
  pid_t const parent = ::getpid();
  for (int const n : queue) {
    if (n > 0) continue;
    pid_t const child = ::fork();
    if (child == 0) break;
    BOOST_TEST(::waitpid(child, nullptr, 0) == child);
    BOOST_TEST(!queue.is_closed());
    BOOST_TEST(queue.put(same, 3) == 3u);
    queue.stop();
  }
  if (::getpid() != parent) ::_exit(0);
}

BOOST_AUTO_TEST_SUITE_END()
