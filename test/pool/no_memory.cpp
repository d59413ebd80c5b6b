#define BOOST_TEST_MODULE no_memory
#include "support/observe.hpp"
#include "support/operator_new.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

// What the parent has no memory for costs the task that it belongs to, and nothing else.

namespace {

std::atomic<long> until_failure = -1;  // so many allocations succeed, and then one fails; −1: none fails

bool fails_now() noexcept {
  long left = until_failure.load(std::memory_order_relaxed);
  while (left >= 0)
    if (until_failure.compare_exchange_weak(left, left - 1)) return left == 0;
  return false;
}

}  // namespace

void test_allocation(std::size_t) {
  if (fails_now()) throw std::bad_alloc();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* realloc(void* p, std::size_t size) noexcept {  // which buffers grow by
  return fails_now() ? nullptr : __libc_realloc(p, size);
}
#endif

namespace px = procx;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t MB = 1'000'000;
constexpr int tasks = 20;
constexpr auto patience = 60s;

/// From now on this process may have so many bytes of address space more than it has; workers that exist may have any.
class little_memory {
 public:
  explicit little_memory(std::size_t more) {
    ::getrlimit(RLIMIT_AS, &before_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit l = before_;
    l.rlim_cur = pages * 4096 + more;
    ::setrlimit(RLIMIT_AS, &l);
  }
  ~little_memory() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

void have_all_memory() {
  rlimit const all{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &all);
}

int throws_much(int n) {
  have_all_memory();
  if (n == 5) throw std::runtime_error(std::string(100 * MB, 'x'));
  return n;
}
std::vector<std::string> gives_much(int n) {
  have_all_memory();
  return std::vector<std::string>(n == 5 ? 4000 : 1, std::string(25'000, 'x'));
}

std::string print_and_give(int n) {
  std::puts("here is a line that a task has printed");
  return n == 3 ? throw std::runtime_error("three") : std::string(100, 'v');
}
std::atomic<int> lines = 0;
void count_line(px::log_line const&) { ++lines; }

template <class Outcomes>
std::pair<int, int> count(Outcomes&& all) {
  int good = 0, failed = 0;
  for (auto const& one : all) one ? ++good : ++failed;
  return {good, failed};
}
std::pair<int, int> const all_but_one{tasks - 1, 1};

std::vector<int> inputs() {
  std::vector<int> all(tasks);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

bool spared = false;  // no allocation failed

/// From now on none fails; the checks need memory too.
void fail_no_more() { spared = until_failure.exchange(-1) >= 0; }

/// Runs it with the first allocation failing, the second, and so on, until none fails any more; how often that was.
template <class Run>
long fail_each_allocation(Run run) {
  constexpr long enough = 20'000;
  for (long n = 0; n < enough; ++n) {
    spared = false;
    run(n);
    if (spared) return n;
  }
  return enough;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(no_memory, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(an_exception_that_there_is_no_memory_for_is_one_failure_of_a_pool) {
  if (observe::instrumented) return;
  px::process_pool pool({.workers = 1});
  pool.submit(throws_much, 0).get();
  little_memory const little(60 * MB);
  std::vector<std::future<int>> all;
  for (int i : inputs()) all.push_back(pool.submit(throws_much, i));
  for (int i : inputs()) {
    BOOST_REQUIRE(all[static_cast<std::size_t>(i)].wait_for(patience) == std::future_status::ready);
    if (i == 5)
      BOOST_CHECK_THROW(all[5].get(), std::bad_alloc);
    else
      BOOST_TEST(all[static_cast<std::size_t>(i)].get() == i);
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_there_is_no_memory_for_is_one_failure_of_a_pool) {
  if (observe::instrumented) return;
  px::process_pool pool({.workers = 1});
  pool.submit(gives_much, 0).get();
  little_memory const little(60 * MB);
  auto large = pool.submit(gives_much, 5);
  auto small = pool.submit(gives_much, 6);
  BOOST_REQUIRE(small.wait_for(patience) == std::future_status::ready);
  BOOST_TEST(small.get().size() == 1u);
  BOOST_CHECK_THROW(large.get(), std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(such_an_exception_is_one_outcome_of_a_map_whatever_the_order) {
  if (observe::instrumented) return;
  for (bool const ordered : {true, false}) {
    auto const all = inputs();
    auto map = px::pmap(throws_much, all, {.workers = 1, .ordered = ordered});
    little_memory const little(60 * MB);
    BOOST_TEST((count(map.outcomes()) == all_but_one));
  }
}

BOOST_AUTO_TEST_CASE(such_an_exception_is_one_outcome_of_a_queue) {
  if (observe::instrumented) return;
  px::parallel_single_task_queue queue(throws_much, px::parallel_queue_options{.workers = 1});
  queue.put(0);
  queue.get();
  little_memory const little(60 * MB);
  for (int i : inputs()) queue.put(i);
  queue.stop();
  BOOST_TEST((count(queue.outcomes()) == all_but_one));
}

BOOST_AUTO_TEST_CASE(each_task_of_a_pool_has_one_outcome_whichever_allocation_fails) {
  for (bool const logs : {false, true}) {
    long const failed = fail_each_allocation([&](long n) {
      px::process_pool pool({.workers = 1, .log = logs ? count_line : nullptr});
      std::vector<std::future<std::string>> all;
      all.reserve(tasks);
      until_failure = n;
      for (int i = 0; i < tasks; ++i) try {
          all.push_back(pool.submit(print_and_give, i));
        } catch (std::bad_alloc const&) {
        } catch (px::queue_stopped const&) {  // the pool has had to give up
        }
      std::size_t ended = 0;
      for (auto& one : all) ended += one.wait_for(patience) == std::future_status::ready;
      fail_no_more();
      BOOST_REQUIRE_MESSAGE(ended == all.size(), "allocation " << n);
    });
    BOOST_TEST_MESSAGE(failed << " allocations failed");
    BOOST_TEST(failed > tasks);
  }
}

BOOST_AUTO_TEST_CASE(each_input_of_a_map_has_one_outcome_or_the_map_says_that_it_cannot_go_on) {
  for (bool const ordered : {true, false}) {
    long const failed = fail_each_allocation([&](long n) {
      auto const all = inputs();
      auto map = px::pmap([](int k) { return std::string(static_cast<std::size_t>(k), 'v'); }, all,
                          {.workers = 1, .ordered = ordered});
      std::array<int, tasks> seen{};
      int outcomes = 0;
      until_failure = n;
      bool gave_up = false;
      try {
        for (auto const& one : map.outcomes()) ++seen.at(one.index()), ++outcomes;
      } catch (std::bad_alloc const&) {
        gave_up = true;
      }
      fail_no_more();
      for (int times : seen) BOOST_REQUIRE_MESSAGE(times <= 1, "allocation " << n);
      BOOST_REQUIRE_MESSAGE(outcomes == tasks || gave_up, "allocation " << n << ": " << outcomes << " outcomes");
    });
    BOOST_TEST_MESSAGE(failed << " allocations failed");
    BOOST_TEST(failed > 10);
  }
}

BOOST_AUTO_TEST_CASE(each_item_of_a_queue_has_one_outcome_whichever_allocation_fails) {
  long const failed = fail_each_allocation([](long n) {
    px::parallel_single_task_queue queue([](int k) { return std::string(static_cast<std::size_t>(k) * 100, 'v'); },
                                         px::parallel_queue_options{.workers = 1});
    int put = 0, got = 0;
    until_failure = n;
    for (int i = 0; i < tasks; ++i) try {
        queue.put(i);
        ++put;
      } catch (std::bad_alloc const&) {
      } catch (px::queue_stopped const&) {
      }
    queue.stop();
    for (bool more = true; more;) try {
        for (auto const& one : queue.outcomes()) static_cast<void>(one), ++got;
        more = false;
      } catch (std::bad_alloc const&) {
      }
    fail_no_more();
    BOOST_REQUIRE_MESSAGE(got == put, "allocation " << n << ": " << got << " of " << put);
  });
  BOOST_TEST_MESSAGE(failed << " allocations failed");
  BOOST_TEST(failed > tasks);
}

BOOST_AUTO_TEST_SUITE_END()
