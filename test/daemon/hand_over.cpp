// A daemon that takes the place of another one.
#define BOOST_TEST_MODULE hand_over
#include "support/daemon_scene.hpp"

#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <ranges>

using namespace daemon_scene;

BOOST_FIXTURE_TEST_SUITE(handing_over, scene)

BOOST_AUTO_TEST_CASE(the_older_one_answers_what_it_has_and_the_newer_one_the_rest) {
  start();
  pid_t const older = pid;
  px::connection c = px::connect(address);
  auto slow = c.async_call(px::call(wait_or_stop, file("begun"), file("go")), boost::asio::use_future);
  wait_until("begun");
  start({.take_over = true});
  BOOST_TEST(pid != older);
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
  auto later = c.async_call(px::call(square, 4), boost::asio::use_future);  // on the older one's connection, which is about to end
  make("go");
  BOOST_TEST(!slow.get());
  BOOST_TEST(later.get() == 16);
  BOOST_TEST(c.call(square, 5) == 25);
  BOOST_TEST(observe::has_ended(older));
  BOOST_TEST(take("begun") == "begun\n");
  take("go");
}

BOOST_AUTO_TEST_CASE(no_connection_is_refused_and_no_call_fails_or_is_run_twice) {
  start();
  std::atomic<bool> over = false;
  std::atomic<int> made = 0;
  std::vector<std::jthread> clients;
  for (int t = 0; t < 2; ++t)
    clients.emplace_back([&] {
      while (!over) {
        int const i = 20 + made++ % 1000;
        BOOST_REQUIRE(px::connect(address).call(square, i) == i * i);
      }
    });
  std::string const notes = file("notes");
  clients.emplace_back([&] {
    px::connection c = px::connect(address);
    auto const inputs = std::views::iota(0) | std::views::take_while([&](int) { return !over; }) |
                        std::views::transform([&](int n) { return std::pair(notes, n); });
    int next = 0;
    for (int r : c.pmap(noted, inputs)) BOOST_REQUIRE(r == next++);
    BOOST_TEST(next > 0);
  });
  for (int i = 0; i < 10; ++i) {
    pid_t const older = pid;
    start({.take_over = true});
    BOOST_TEST(observe::has_ended(older));
  }
  over = true;
  clients.clear();
  std::string const text = take("notes");
  std::vector<int> noted_times;
  for (auto const line : text | std::views::split('\n')) {
    std::string const number(line.begin(), line.end());
    if (number.empty()) continue;
    auto const n = static_cast<std::size_t>(std::stoi(number));
    if (n >= noted_times.size()) noted_times.resize(n + 1);
    ++noted_times[n];
  }
  BOOST_TEST(!noted_times.empty());
  BOOST_TEST(std::ranges::all_of(noted_times, [](int n) { return n == 1; }));
}

BOOST_AUTO_TEST_CASE(where_nobody_is_it_starts_as_any_other) {
  start({.take_over = true});
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
  ::kill(pid, SIGKILL);
  BOOST_TEST(observe::has_ended(pid));
  start({.take_over = true});
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
}

BOOST_AUTO_TEST_CASE(if_it_cannot_be_prepared_the_older_one_goes_on) {
  start();
  pid_t const older = pid;
  BOOST_CHECK_THROW(start({.prepare = [] { throw std::runtime_error("no"); }, .take_over = true}), px::remote_exception);
  pid = older;
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
  BOOST_CHECK_THROW(px::start_daemon(address, {}), px::connection_error);
}

BOOST_AUTO_TEST_CASE(a_killed_daemon_that_was_about_to_end_has_maybe_run_its_calls) {
  start();
  pid_t const older = pid;
  px::connection c = px::connect(address);
  auto slow = c.async_call(px::call(wait_or_stop, file("begun"), file("never")), boost::asio::use_future);
  wait_until("begun");
  start({.take_over = true});
  ::kill(older, SIGKILL);
  BOOST_CHECK_THROW(slow.get(), px::connection_error);
  BOOST_TEST(observe::has_ended(older));
  take("begun");
}

BOOST_AUTO_TEST_SUITE_END()
