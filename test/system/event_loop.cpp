#define BOOST_TEST_MODULE event_loop
#include "system/event_loop.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace procx::detail;
using namespace processes;
using namespace std::chrono_literals;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(event_loops)

BOOST_AUTO_TEST_CASE(a_private_loop_runs_until_its_condition_holds) {
  event_loop loop;
  BOOST_TEST(loop.is_private());
  int n = 0;
  std::function<void()> again = [&] {
    if (++n < 10) asio::post(loop.executor(), again);
  };
  asio::post(loop.executor(), again);
  BOOST_TEST(loop.run_until([&] { return n == 5; }));
  BOOST_TEST(n == 5);
  BOOST_TEST(loop.run_until([&] { return n == 7; }));
  loop.poll();
  BOOST_TEST(n == 10);
}

BOOST_AUTO_TEST_CASE(it_stops_at_its_deadline_or_when_nothing_is_left) {
  event_loop loop;
  BOOST_TEST(!loop.run_until([] { return false; }));
  asio::steady_timer timer(loop.executor(), 1h);
  timer.async_wait([](auto) {});
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!loop.run_until([] { return false; }, start + 20ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 20ms));
  BOOST_TEST(loop.run_until([] { return true; }, start));
}

BOOST_AUTO_TEST_CASE(on_the_users_executor_blocking_is_refused) {
  asio::io_context io;
  event_loop loop(io.get_executor());
  BOOST_TEST(!loop.is_private());
  bool ran = false;
  asio::post(loop.executor(), [&] { ran = true; });
  BOOST_CHECK_THROW(loop.run_until([&] { return ran; }), procx::sequence_error);
  loop.poll();
  BOOST_TEST(!ran);
  io.run();
  BOOST_TEST(ran);
}

BOOST_AUTO_TEST_CASE(created_processes_keep_nothing_of_a_private_loop) {
  std::vector<bool> before;
  for (int fd = 0; fd < 100; ++fd) before.push_back(is_open(fd));
  event_loop one, two;
  std::vector<int> theirs;
  for (int fd = 0; fd < 100; ++fd)
    if (is_open(fd) && !before[static_cast<std::size_t>(fd)]) theirs.push_back(fd);
  BOOST_TEST(theirs.size() >= 4u);
  auto const child = fork_process({.capture_stderr = false}, [&] {
    for (int fd : theirs) CHILD_CHECK(!is_open(fd));
    event_loop mine;
    bool ran = false;
    asio::post(mine.executor(), [&] { ran = true; });
    CHILD_CHECK(mine.run_until([&] { return ran; }));
    return 0;
  });
  BOOST_TEST(child->wait_until(std::nullopt)->code() == 0);
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_users_own_fork_does_not_disturb_the_original) {
  auto loop = std::make_unique<event_loop>();
  asio::steady_timer timer(loop->executor(), 30ms);
  bool rang = false;
  timer.async_wait([&](auto) { rang = true; });
  BOOST_TEST(code_of_fork([&] {
    bool const foreign = loop->foreign();
    loop.reset();
    return foreign ? 0 : 1;
  }) == 0);
  BOOST_TEST(!loop->foreign());
  BOOST_TEST(loop->run_until([&] { return rang; }, std::chrono::steady_clock::now() + 10s));
}

BOOST_AUTO_TEST_SUITE_END()
