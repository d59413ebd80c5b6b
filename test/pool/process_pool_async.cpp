#define BOOST_TEST_MODULE process_pool_async
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }

struct no_default {
  explicit no_default(int n) : value(n) {}
  int value;
};
no_default undefaulted(int n) { return no_default(n); }

boost::system::error_code code_of(std::exception_ptr const& error) {
  try {
    if (error) std::rethrow_exception(error);
    return {};
  } catch (boost::system::system_error const& e) {
    return e.code();
  }
}

asio::awaitable<void> squares(px::process_pool& pool, int count, int& right) {
  for (int n = 0; n < count; ++n) right += co_await pool.async_submit(px::call(square, n), asio::use_awaitable) == n * n;
}

void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(process_pool_async, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(calls_complete_on_the_users_loop_which_runs_out_of_work_after_them) {
  for (int const workers : {1, 2, 11}) {
    asio::io_context io;
    px::process_pool pool(io, {.workers = workers});
    int right = 0;
    for (int i = 0; i < 5; ++i) asio::co_spawn(io, squares(pool, 100, right), rethrow);
    io.run();
    BOOST_TEST(right == 500);
    io.restart();  // and again, with the same workers
    for (int i = 0; i < 5; ++i) asio::co_spawn(io, squares(pool, 100, right), rethrow);
    io.run();
    BOOST_TEST(right == 1000);
  }
}

BOOST_AUTO_TEST_CASE(the_loop_may_run_on_several_threads) {
  asio::thread_pool io(4);
  std::atomic<int> right = 0;
  {
    px::process_pool pool(io, {.workers = 2});
    std::vector<std::thread> producers;
    for (int t = 0; t < 3; ++t)
      producers.emplace_back([&] {
        for (int n = 0; n < 300; ++n)
          pool.async_submit(px::call(square, n), [&, n](std::exception_ptr error, int r) { right += !error && r == n * n; });
      });
    for (std::thread& p : producers) p.join();
    pool.async_drain(asio::use_future).get();
    BOOST_TEST(pool.submit(square, 5).get() == 25);  // a future may be waited for elsewhere
    BOOST_CHECK_THROW(pool.drain(), px::sequence_error);
    io.join();
  }
  BOOST_TEST(right == 900);
}

BOOST_AUTO_TEST_CASE(any_completion_token_and_any_result) {
  px::process_pool pool({.workers = 2});  // on its own thread
  BOOST_TEST(pool.async_submit(px::call(square, 6), asio::use_future).get() == 36);
  BOOST_TEST(pool.async_submit(px::call(undefaulted, 6), asio::use_future).get()->value == 6);
  pool.async_submit(px::call([] {}), asio::use_future).get();
  BOOST_CHECK_THROW(pool.async_submit(px::call([]() -> int { throw std::range_error("x"); }), asio::use_future).get(),
                    px::remote_exception);
  std::atomic<int> got = 0;
  pool.async_submit(px::call(square, 7), asio::deferred)([&](std::exception_ptr, int r) { got = r; });
  pool.async_drain(asio::use_future).get();
  pool.drain();
  while (got != 49) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(handlers_run_where_they_are_bound_to) {
  asio::io_context io;
  px::process_pool pool({.workers = 2});
  std::thread::id where;
  pool.async_submit(px::call(square, 6), asio::bind_executor(io, [&](std::exception_ptr, int) {
    where = std::this_thread::get_id();
  }));
  io.run();  // it has work until then
  BOOST_TEST((where == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(terminal_cancellation_kills_the_call_and_not_the_pool) {
  asio::io_context io;
  px::process_pool pool(io, {.workers = 1});
  observe::shared<std::atomic<bool>> runs(false);
  auto const hang = pool.add([&] {
    *runs = true;
    for (;;) ::pause();
  });
  asio::cancellation_signal stop;
  boost::system::error_code code;
  int behind = 0;
  pool.async_submit(px::call(hang),
                    asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) { code = code_of(e); }));
  for (int n = 0; n < 10; ++n)
    pool.async_submit(px::call(square, n), [&](std::exception_ptr e, int) { behind += !e; });
  while (!*runs) io.run_one_for(1ms);
  stop.emit(asio::cancellation_type::terminal);
  io.run();
  BOOST_TEST(code == asio::error::operation_aborted);
  BOOST_TEST(behind == 10);
  stop.emit(asio::cancellation_type::terminal);  // of nothing
}

BOOST_AUTO_TEST_CASE(partial_cancellation_asks_the_call_to_stop) {
  asio::io_context io;
  px::process_pool pool(io, {.workers = 1});
  observe::shared<std::atomic<bool>> runs(false);
  auto const patient = pool.add([&] {
    *runs = true;
    while (!px::stop_requested()) ::usleep(100);
    return 17;
  });
  asio::cancellation_signal stop;
  int result = 0;
  bool next_was_asked = true;
  pool.async_submit(px::call(patient),
                    asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, int r) { result = r; }));
  pool.async_submit(px::call([] { return px::stop_requested(); }),
                    [&](std::exception_ptr, bool asked) { next_was_asked = asked; });
  while (!*runs) io.run_one_for(1ms);
  stop.emit(asio::cancellation_type::partial);
  io.run();
  BOOST_TEST(result == 17);
  BOOST_TEST(!next_was_asked);
  BOOST_TEST(!px::stop_requested());
}

BOOST_AUTO_TEST_CASE(total_cancellation_drops_what_has_not_begun_and_leaves_the_rest_alone) {
  for (unsigned const window : {1u, 16u}) {  // waiting here, and already sent to the worker
    asio::io_context io;
    px::process_pool pool(io, {.workers = 1, .window = window});
    gate held;
    observe::shared<std::atomic<int>> ran(0);
    auto const wait = pool.add([&](int n) {
      ++*ran;
      held.wait();
      return n;
    });
    std::vector<asio::cancellation_signal> stop(6);
    std::vector<boost::system::error_code> codes(6);
    for (int n = 0; n < 6; ++n)
      pool.async_submit(px::call(wait, n),
                        asio::bind_cancellation_slot(stop[static_cast<std::size_t>(n)].slot(),
                                                     [&, n](std::exception_ptr e, int r) {
                                                       codes[static_cast<std::size_t>(n)] = code_of(e);
                                                       BOOST_TEST((e || r == n));
                                                     }));
    while (*ran == 0) io.run_one_for(1ms);
    for (std::size_t const n : {0u, 2u, 3u, 5u}) stop[n].emit(asio::cancellation_type::total);
    while (pool.size() > 3) io.run_one_for(1ms);
    held.open();
    io.run();
    BOOST_TEST(*ran == 3);
    for (std::size_t n = 0; n < 6; ++n)
      BOOST_TEST((codes[n] == asio::error::operation_aborted) == (n == 2 || n == 3 || n == 5));
  }
}

BOOST_AUTO_TEST_CASE(beyond_the_capacity_calls_wait_for_their_turn_and_complete_in_their_order) {
  for (bool const by_bytes : {false, true}) {
    px::pool_options const bound = by_bytes ? px::pool_options{.workers = 1, .capacity_bytes = 64}
                                            : px::pool_options{.workers = 1, .capacity = 8};
    gate held;
    std::vector<int> order;
    asio::io_context io;
    px::process_pool pool(bound);
    auto const wait = pool.add([&](int n) { return held.wait(), n; });
    for (int n = 0; n < 100; ++n)
      pool.async_submit(px::call(wait, n), asio::bind_executor(io, [&](std::exception_ptr e, int r) {
        BOOST_TEST(!e);
        order.push_back(r);
      }));
    BOOST_TEST(pool.size() == 100u);
    held.open();
    io.run();
    BOOST_REQUIRE(order.size() == 100u);
    for (int n = 0; n < 100; ++n) BOOST_TEST(order[static_cast<std::size_t>(n)] == n);
    pool.drain();
    BOOST_TEST(pool.size() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_waits_for_its_turn_is_cancelled_at_once) {
  gate held;
  asio::io_context io;
  px::process_pool pool(io, {.workers = 1, .capacity = 2});
  auto const wait = pool.add([&](int n) { return held.wait(), n; });
  std::vector<asio::cancellation_signal> stop(6);
  std::vector<boost::system::error_code> codes(6);
  int ended = 0;
  for (std::size_t n = 0; n < 6; ++n)
    pool.async_submit(px::call(wait, static_cast<int>(n)),
                      asio::bind_cancellation_slot(stop[n].slot(), [&, n](std::exception_ptr e, int) {
                        codes[n] = code_of(e);
                        ++ended;
                      }));
  BOOST_TEST(pool.size() == 6u);
  stop[3].emit(asio::cancellation_type::total);
  stop[5].emit(asio::cancellation_type::partial);
  while (ended < 2) io.run_one();  // while the worker waits
  BOOST_TEST(pool.size() == 4u);
  held.open();
  io.run();
  for (std::size_t n = 0; n < 6; ++n)
    BOOST_TEST((codes[n] == asio::error::operation_aborted) == (n == 3 || n == 5));
  BOOST_TEST(ended == 6);
}

BOOST_AUTO_TEST_CASE(calls_that_wait_for_their_turn_when_the_pool_is_stopped_are_cancelled) {
  gate held;
  asio::io_context io;
  px::process_pool pool({.workers = 1, .capacity = 1});
  auto const wait = pool.add([&] { held.wait(); });
  int cancelled = 0;
  for (int n = 0; n < 10; ++n)
    pool.async_submit(px::call(wait), asio::bind_executor(io, [&](std::exception_ptr e) {
      cancelled += code_of(e) == asio::error::operation_aborted;
    }));
  pool.stop();
  io.run();
  BOOST_TEST(cancelled == 10);
  pool.drain();
  BOOST_TEST(pool.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_pool_is_drained_when_what_was_stopped_has_gone) {
  asio::io_context io;
  px::process_pool pool(io, {.workers = 1, .grace = 50ms});
  observe::shared<std::atomic<bool>> runs(false);
  auto const stubborn = pool.add([&] {
    std::signal(SIGTERM, SIG_IGN);
    *runs = true;
    for (;;) ::pause();
  });
  pool.async_submit(px::call(stubborn), [](std::exception_ptr) {});
  while (!*runs) io.run_one_for(1ms);
  pool.stop();
  std::size_t left = 1, workers = 1;
  io.poll_one();  // the stop has begun
  pool.async_drain([&] {
    left = pool.size();
    workers = pool.workers();
  });
  io.run();
  BOOST_TEST(left == 0u);
  BOOST_TEST(workers == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_not_over_when_the_pool_goes_completes_as_cancelled) {
  asio::io_context io;
  boost::system::error_code code;
  {
    px::process_pool pool(io, {.workers = 1});
    pool.async_submit(px::call([] { ::pause(); }), [&](std::exception_ptr e) { code = code_of(e); });
    io.poll();
  }
  io.run();
  BOOST_TEST(code == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_SUITE_END()
