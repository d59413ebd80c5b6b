#define BOOST_TEST_MODULE here
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"

#include <boost/asio/io_context.hpp>

#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace px = procx;

BOOST_AUTO_TEST_SUITE(here)

BOOST_AUTO_TEST_CASE(a_map_runs_in_this_process_and_its_results_are_the_same) {
  int calls = 0;
  std::vector<int> results;
  for (int r : px::pmap([&](int n) { return ++calls, n * 2; }, std::views::iota(0, 10000), {.workers = px::here}))
    results.push_back(r);
  BOOST_TEST(calls == 10000);
  BOOST_TEST(results.size() == 10000u);
  BOOST_TEST(results[9999] == 19998);
  BOOST_TEST(!observe::has_children());
}

BOOST_AUTO_TEST_CASE(what_is_thrown_arrives_as_from_another_process) {
  auto const odd = [](int n) { return n % 2 ? throw std::runtime_error("odd " + std::to_string(n)) : n; };
  int failed = 0;
  for (auto const& o : px::pmap(odd, std::views::iota(0, 10), {.workers = px::here, .retries = 1}).outcomes()) {
    if (o.has_value()) continue;
    ++failed;
    BOOST_CHECK_EXCEPTION(o.value(), px::remote_exception, [](px::remote_exception const& e) {
      return e.type_name() == "std::runtime_error" && std::string(e.message()).starts_with("odd");
    });
  }
  BOOST_TEST(failed == 5);
}

BOOST_AUTO_TEST_CASE(large_arguments_and_results_arrive_whole) {
  auto const doubled = [](std::vector<double> const& v) {
    std::vector<double> twice(v);
    for (double& d : twice) d *= 2;
    return twice;
  };
  std::vector<std::vector<double>> const inputs(3, std::vector<double>(1'000'000, 1.5));
  for (auto const& r : px::pmap(doubled, inputs, {.workers = px::here})) BOOST_TEST((r == std::vector<double>(1'000'000, 3.0)));
}

BOOST_AUTO_TEST_CASE(a_pool_runs_tasks_on_its_own_thread_with_setup_and_teardown) {
  std::vector<std::string> happened;
  std::thread::id at{};
  {
    px::process_pool pool({.workers = px::here,
                           .setup = [&] { happened.push_back("setup"); },
                           .teardown = [&] { happened.push_back("teardown"); }});
    auto const note = pool.add([&](int n) {
      at = std::this_thread::get_id();
      happened.push_back(std::to_string(n));
      return ::getpid();
    });
    BOOST_TEST(pool.submit(note, 1).get() == ::getpid());
    BOOST_TEST(pool.submit(note, 2).get() == ::getpid());
    pool.drain();
  }
  BOOST_TEST((at != std::this_thread::get_id()));
  BOOST_TEST((happened == std::vector<std::string>{"setup", "1", "2", "teardown"}));
}

BOOST_AUTO_TEST_CASE(a_setup_that_throws_fails_the_tasks) {
  px::process_pool pool({.workers = px::here, .setup = [] { throw std::runtime_error("no model"); }});
  BOOST_CHECK_THROW(pool.submit([] { return 1; }).get(), px::remote_exception);
}

BOOST_AUTO_TEST_CASE(a_queue_gives_results_in_order) {
  px::parallel_single_task_queue queue([](int n) { return n + 1; }, {.workers = px::here, .capacity = 8});
  std::jthread const producer([&] {
    for (int i = 0; i < 1000; ++i) queue.put(i);
    queue.stop();
  });
  int next = 0;
  for (int r : queue) BOOST_TEST(r == ++next);
  BOOST_TEST(next == 1000);
}

BOOST_AUTO_TEST_CASE(on_a_loop_of_the_users_tasks_are_handlers_among_others) {
  boost::asio::io_context io;
  px::process_pool pool(io, {.workers = px::here});
  int got = 0;
  auto const add_one = pool.add([](int n) { return n + 1; });
  for (int i = 0; i < 100; ++i)
    pool.async_submit(px::call(add_one, i), [&](std::exception_ptr error, int) { got += !error; });
  io.run();
  BOOST_TEST(got == 100);
}

BOOST_AUTO_TEST_CASE(an_exchange_has_processes_and_says_so) {
  BOOST_CHECK_THROW(px::queue<int>({.limit = px::here}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
