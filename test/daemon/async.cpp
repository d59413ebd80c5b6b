#define BOOST_TEST_MODULE async
#include "support/daemon_scene.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <latch>

namespace asio = boost::asio;
using namespace daemon_scene;

namespace {

template <class E>
bool is(std::exception_ptr const& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (E const&) {
    return true;
  } catch (...) {
  }
  return false;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(async, scene)

BOOST_AUTO_TEST_CASE(futures_need_no_executor) {
  start();
  px::connection c = px::connect(address);
  std::vector<std::future<int>> all;
  for (int i = 20; i < 520; ++i) all.push_back(c.async_call(px::call(square, i), asio::use_future));
  for (int i = 20; i < 520; ++i) BOOST_REQUIRE(all[static_cast<std::size_t>(i - 20)].get() == i * i);
  BOOST_TEST(c.async_call(px::call<std::string>("doubled", "ab"), asio::use_future).get() == "abab");
  BOOST_CHECK_NO_THROW(c.async_call(px::call<void>("wait for", address.string()), asio::use_future).get());
  BOOST_CHECK_THROW(c.async_call(px::call(square, 13), asio::use_future).get(), px::process_died);
  BOOST_CHECK_THROW(c.async_call(px::call<int>("nobody"), asio::use_future).get(), px::protocol_error);
}

BOOST_AUTO_TEST_CASE(handlers_run_on_the_users_executor_which_then_runs_out_of_work) {
  start();
  asio::io_context io;
  px::connection c = px::connect(io, address);
  int done = 0;
  for (int i = 20; i < 120; ++i)
    c.async_call(px::call(square, i), [&, i](std::exception_ptr error, int value) {
      BOOST_TEST(!error);
      BOOST_TEST(value == i * i);
      BOOST_TEST(io.get_executor().running_in_this_thread());
      ++done;
    });
  BOOST_TEST(done == 0);
  io.run();
  BOOST_TEST(done == 100);
  io.restart();
  BOOST_TEST(c.call(square, 3) == 9);  // no handler is needed for that
  c.async_call(px::call(square, 4), [&](std::exception_ptr, int value) { done = value; });
  io.run();
  BOOST_TEST(done == 16);
}

BOOST_AUTO_TEST_CASE(coroutines_wait_for_calls) {
  start();
  asio::io_context io;
  px::connection c = px::connect(io, address);
  int sum_of_all = 0;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        int last = 2;
        for (int i = 0; i < 3; ++i) last = co_await c.async_call(px::call(square, last), asio::use_awaitable);
        sum_of_all = last;
        bool failed = false;
        try {
          (void)co_await c.async_call(px::call(square, -1), asio::use_awaitable);
        } catch (px::remote_exception const&) {
          failed = true;
        }
        if (failed) ++sum_of_all;
      },
      asio::detached);
  io.run();
  BOOST_TEST(sum_of_all == 257);
}

BOOST_AUTO_TEST_CASE(blocking_calls_and_asynchronous_ones_share_a_connection) {
  start();
  px::connection c = px::connect(address);
  std::atomic<int> right = 0;
  std::latch over(400);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 20; i < 120; ++i) {
        c.async_call(px::call(square, i + t), [&, n = i + t](std::exception_ptr error, int value) {
          right += !error && value == n * n;
          over.count_down();
        });
        right += c.call(square, i) == i * i;
      }
    });
  over.wait();
  threads.clear();
  BOOST_TEST(right == 800);
}

BOOST_AUTO_TEST_CASE(a_call_that_has_begun_is_asked_to_stop_or_its_worker_is_killed) {
  start({.workers = 1, .grace = std::chrono::nanoseconds(0)});
  asio::io_context io;
  px::connection c = px::connect(io, address);
  for (auto const how : {asio::cancellation_type::partial, asio::cancellation_type::terminal}) {
    asio::cancellation_signal signal;
    bool stopped = false;
    std::exception_ptr error;
    c.async_call(px::call(wait_or_stop, file("begun"), file("never")),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, bool value) {
                   error = e;
                   stopped = value;
                 }));
    wait_until("begun");
    signal.emit(how);
    io.restart();
    io.run();
    bool const asked = how == asio::cancellation_type::partial;
    BOOST_TEST(stopped == asked);
    BOOST_TEST(is<px::task_cancelled>(error) == !asked);
    take("begun");
  }
  BOOST_TEST(c.call(square, 3) == 9);
}

BOOST_AUTO_TEST_CASE(a_call_that_has_not_begun_is_dropped_in_the_daemon_or_here) {
  start({.workers = 1, .calls_per_client = 2});
  asio::io_context io;
  px::connection c = px::connect(io, address);
  asio::cancellation_signal in_daemon, here;
  int cancelled = 0, others = 0;
  auto const count = [&](std::exception_ptr e, int) { (is<px::task_cancelled>(e) ? cancelled : others)++; };
  c.async_call(px::call(wait_or_stop, file("begun"), file("go")), [&](std::exception_ptr e, bool) { others += !e; });
  wait_until("begun");
  c.async_call(px::call(noted, file("notes"), 1), asio::bind_cancellation_slot(in_daemon.slot(), count));
  c.async_call(px::call(noted, file("notes"), 2), asio::bind_cancellation_slot(here.slot(), count));
  c.async_call(px::call(noted, file("notes"), 3), count);
  in_daemon.emit(asio::cancellation_type::total);
  here.emit(asio::cancellation_type::total);
  while (cancelled < 2) io.run_one();
  BOOST_TEST(others == 0);
  make("go");
  io.restart();
  io.run();
  BOOST_TEST(cancelled == 2);
  BOOST_TEST(others == 2);
  BOOST_TEST(take("notes") == "3\n");
  take("go"), take("begun");
}

BOOST_AUTO_TEST_CASE(a_connection_that_goes_cancels_what_is_under_way) {
  start();
  asio::io_context io;
  bool cancelled = false;
  {
    px::connection c = px::connect(io, address);
    c.async_call(px::call(wait_or_stop, file("begun"), file("go")),
                 [&](std::exception_ptr e, bool) { cancelled = is<px::task_cancelled>(e); });
    wait_until("begun");
  }
  io.run();
  BOOST_TEST(cancelled);
  make("go");
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
  take("go"), take("begun");
}

BOOST_AUTO_TEST_CASE(the_death_of_the_daemon_completes_all_with_an_error) {
  start();
  px::connection c = px::connect(address);
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(c.async_call(px::call(wait_or_stop, file("begun"), file("never")), asio::use_future));
  wait_until("begun");
  ::kill(pid, SIGKILL);
  for (auto& f : all) BOOST_CHECK_THROW(f.get(), px::connection_error);
  BOOST_CHECK_THROW(c.async_call(px::call(square, 2), asio::use_future).get(), px::connection_error);
  BOOST_TEST(observe::has_ended(std::exchange(pid, 0)));
  take("begun");
  start();
}

BOOST_AUTO_TEST_SUITE_END()
