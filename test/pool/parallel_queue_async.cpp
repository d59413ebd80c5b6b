#define BOOST_TEST_MODULE parallel_queue_async
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }

boost::system::error_code code_of(std::exception_ptr const& error) {
  try {
    if (error) std::rethrow_exception(error);
    return {};
  } catch (boost::system::system_error const& e) {
    return e.code();
  }
}

asio::awaitable<void> produce(px::parallel_queue<int>& queue, int count) {
  for (int n = 0; n < count; ++n) {
    if (n % 10 == 0)
      co_await queue.async_pass(n * n, asio::use_awaitable);
    else
      co_await queue.async_put(px::call(square, n), asio::use_awaitable);
  }
  queue.stop();
}

asio::awaitable<void> consume(px::parallel_queue<int>& queue, int& next, bool& in_order) {
  while (std::optional<int> const r = co_await queue.async_get(asio::use_awaitable)) {
    in_order = in_order && *r == next * next;
    ++next;
  }
}

void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue_async, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(everything_runs_on_the_users_loop_which_runs_out_of_work_at_the_end) {
  for (int const workers : {1, 2, 11})
    for (std::size_t const capacity : {1u, 7u, 1000u}) {
      asio::io_context io;
      px::parallel_queue<int> queue(io, {.workers = workers, .capacity = capacity});
      int next = 0;
      bool in_order = true, joined = false;
      asio::co_spawn(io, produce(queue, 200), rethrow);
      asio::co_spawn(io, consume(queue, next, in_order), rethrow);
      queue.async_join([&] { joined = true; });
      io.run();
      BOOST_TEST(next == 200);
      BOOST_TEST(in_order);
      BOOST_TEST(joined);
      BOOST_TEST(!queue.is_alive());
    }
}

BOOST_AUTO_TEST_CASE(members_that_wait_refuse_to_on_the_users_loop) {
  asio::io_context io;
  px::parallel_queue<int> queue(io, {.workers = 1});
  BOOST_CHECK_THROW(queue.put(square, 1), px::sequence_error);
  BOOST_CHECK_THROW((void)queue.try_put_for(0ms, square, 1), px::sequence_error);
  BOOST_CHECK_THROW(queue.pass(1), px::sequence_error);
  BOOST_CHECK_THROW(queue.get(), px::sequence_error);
  BOOST_CHECK_THROW(queue.try_get_for(0ms), px::sequence_error);
  BOOST_CHECK_THROW(queue.begin(), px::sequence_error);
  BOOST_CHECK_THROW(queue.join(), px::sequence_error);
  BOOST_TEST(!queue.try_get());
}

BOOST_AUTO_TEST_CASE(the_loop_may_run_on_several_threads) {
  asio::thread_pool io(4);
  std::atomic<int> put = 0, sum = 0;
  {
    px::parallel_queue<int> queue(io, {.workers = 2, .capacity = 10});
    std::vector<std::thread> users;
    for (int t = 0; t < 2; ++t) {
      users.emplace_back([&] {
        for (int n = 0; n < 300; ++n) queue.async_put(px::call(square, n % 10), asio::use_future).get(), ++put;
      });
      users.emplace_back([&] {
        for (int n = 0; n < 300; ++n) sum += *queue.async_get(asio::use_future).get();
      });
    }
    for (std::thread& u : users) u.join();
    queue.stop();
    queue.async_join(asio::use_future).get();
    io.join();
  }
  BOOST_TEST(put == 600);
  BOOST_TEST(sum == 60 * 285);
}

BOOST_AUTO_TEST_CASE(coroutines_that_can_be_cancelled_may_go_on_in_another_thread_at_once) {
  asio::thread_pool io(3);
  std::array<asio::cancellation_signal, 3> signals;
  px::parallel_queue<int> queue({.workers = 1});
  std::atomic<int> got = 0;
  auto const take = [&]() -> asio::awaitable<void> {
    while (co_await queue.async_get(asio::use_awaitable)) ++got;
  };
  std::vector<std::future<void>> takers;
  for (auto& s : signals) takers.push_back(asio::co_spawn(io, take(), asio::bind_cancellation_slot(s.slot(), asio::use_future)));
  for (int n = 0; n < 20'000; ++n) queue.put(square, n % 10);
  queue.stop();
  for (auto& t : takers) t.get();
  BOOST_TEST(got == 20'000);
  io.join();
}

BOOST_AUTO_TEST_CASE(blocking_and_asynchronous_users_share_a_queue_with_a_thread_of_its_own) {
  px::parallel_single_task_queue queue(square, {.workers = 2, .capacity = 3});
  std::thread producer([&] {
    for (int n = 0; n < 300; ++n)
      n % 2 ? static_cast<void>(queue.put(n)) : queue.async_put(std::tuple(n), asio::use_future).get();
    queue.stop();
  });
  for (int n = 0; n < 300; ++n) {
    int const r = n % 3 ? queue.get() : *queue.async_get(asio::use_future).get();
    BOOST_TEST(r == n * n);
  }
  BOOST_TEST(!queue.async_get(asio::use_future).get());
  BOOST_CHECK_THROW(queue.async_put(std::tuple(1), asio::use_future).get(), px::queue_stopped);
  producer.join();
}

BOOST_AUTO_TEST_CASE(a_failure_completes_its_own_get) {
  px::parallel_queue<int> queue({.workers = 2});
  queue.put([]() -> int { throw std::range_error("x"); });
  queue.put(square, 3);
  auto first = queue.async_get(asio::use_future), second = queue.async_get(asio::use_future);
  BOOST_CHECK_THROW(first.get(), px::remote_exception);
  BOOST_TEST(second.get().value() == 9);
}

BOOST_AUTO_TEST_CASE(a_get_that_is_cancelled_loses_no_result) {
  asio::io_context io;
  gate held;
  px::parallel_single_task_queue queue(io, [&](int n) { return held.wait(), n; }, {.workers = 1});
  std::vector<asio::cancellation_signal> stop(3);
  std::vector<boost::system::error_code> codes(3);
  std::vector<std::optional<int>> got(3);
  for (std::size_t i = 0; i < 3; ++i)
    queue.async_get(asio::bind_cancellation_slot(stop[i].slot(), [&, i](std::exception_ptr e, std::optional<int> r) {
      codes[i] = code_of(e);
      got[i] = r;
    }));
  for (int n = 0; n < 3; ++n) queue.async_put(std::tuple(n), [](std::exception_ptr e) { BOOST_TEST(!e); });
  io.poll();
  stop[1].emit(asio::cancellation_type::total);
  held.open();
  queue.stop();
  io.run();
  BOOST_TEST(codes[1] == asio::error::operation_aborted);
  BOOST_TEST(!got[1]);
  BOOST_TEST(got[0].value() == 0);
  BOOST_TEST(got[2].value() == 1);
  BOOST_TEST(queue.try_get().value() == 2);
  stop[0].emit(asio::cancellation_type::total);  // of nothing
}

BOOST_AUTO_TEST_CASE(a_put_that_is_cancelled_while_it_waits_has_no_place_and_others_go_on) {
  asio::io_context io;
  px::parallel_queue<int> queue(io, {.workers = 1, .capacity = 1});
  std::vector<asio::cancellation_signal> stop(4);
  std::vector<std::optional<boost::system::error_code>> codes(4);
  for (int n = 0; n < 4; ++n) {
    auto const i = static_cast<std::size_t>(n);
    queue.async_put(px::call(square, n),
                    asio::bind_cancellation_slot(stop[i].slot(), [&, i](std::exception_ptr e) { codes[i] = code_of(e); }));
  }
  io.poll();
  BOOST_TEST(codes[0].has_value());
  BOOST_TEST(!codes[1]);
  stop[1].emit(asio::cancellation_type::partial);
  int got = -1, next = -1;
  queue.async_get([&](std::exception_ptr, std::optional<int> r) { got = *r; });
  queue.async_get([&](std::exception_ptr, std::optional<int> r) { next = *r; });
  io.run();  // the last one waits, which is nothing that would happen by itself
  BOOST_TEST(*codes[1] == asio::error::operation_aborted);
  BOOST_TEST(got == 0);
  BOOST_TEST(next == 4);
  BOOST_TEST(codes[2].has_value());
  queue.stop();
  io.restart();
  io.run();
}

BOOST_AUTO_TEST_CASE(who_waits_when_the_queue_goes_is_told) {
  asio::io_context io;
  std::exception_ptr got, put;
  {
    px::parallel_single_task_queue queue(io, [](int) { return ::pause(); }, {.workers = 1, .capacity = 1});
    queue.async_put(std::tuple(1), [](std::exception_ptr e) { BOOST_TEST(!e); });
    queue.async_put(std::tuple(2), [&](std::exception_ptr e) { put = e; });
    queue.async_get([&](std::exception_ptr e, std::optional<int>) { got = e; });
    io.poll();
  }
  io.restart();
  io.run();
  BOOST_CHECK_THROW(std::rethrow_exception(put), px::queue_stopped);
  BOOST_CHECK_THROW(std::rethrow_exception(got), px::task_cancelled);
}

BOOST_AUTO_TEST_SUITE_END()
