#define BOOST_TEST_MODULE async
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
namespace errc = boost::system::errc;
using namespace std::chrono_literals;
using observe::gate;
using processes::code_of_fork;

namespace {

int square(int n) { return n * n; }

/// Reusable code written by hand: takes parameters until there are no more.
void echo_by_hand(px::channel& up, int n) {
  for (std::optional args{std::tuple(n)}; args; args = up.receive<std::optional<std::tuple<int>>>())
    up.send(std::get<0>(*args));
}

/// Runs until there is nothing left to do, and fails if that takes too long.
void run(asio::io_context& io) {
  io.restart();
  io.run_for(10s);
  BOOST_TEST(io.stopped());
}

/// Takes all results one after the other, as completion handlers do it.
template <class Source>
struct taker {
  Source& from;
  std::vector<int> got = {};
  int failed = 0;
  bool ended = false;

  void take() {
    from.async_next([this](std::exception_ptr error, std::optional<int> r) {
      if (error) ++failed;
      if (r) got.push_back(*r);
      ended = !error && !r;
      if (!ended) take();
    });
  }
};

bool is_code(std::exception_ptr const& error, boost::system::error_condition code) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (boost::system::system_error const& e) {
    return e.code() == code;
  } catch (...) {
  }
  return false;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(async, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(results_are_taken_one_by_one_until_there_are_no_more) {
  for (bool const reuse : {false, true})
    for (int const limit : {1, 2, 11}) {
      asio::io_context io;
      px::queue<int> q(io.get_executor(), {.limit = limit, .reuse = reuse});
      for (int i = 0; i < 20; ++i) q.start(px::make_reusable(square), i);
      taker<px::queue<int>> t{q};
      t.take();
      run(io);
      BOOST_TEST(t.ended);
      BOOST_TEST(t.got.size() == 20u);
      BOOST_TEST(!q.unfinished());
    }
}

BOOST_AUTO_TEST_CASE(a_map_gives_them_in_order) {
  for (bool const reuse : {false, true})
    for (int const limit : {1, 2, 11}) {
      asio::io_context io;
      px::map<int> m(io.get_executor(), {.limit = limit, .reuse = reuse});
      m([](int n) {
        if (n == 3) throw std::range_error("three");
        if (n == 5) ::raise(SIGKILL);
        return n;
      }, std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
      taker<px::map<int>> t{m};
      t.take();
      run(io);
      BOOST_TEST(t.got == (std::vector{0, 1, 2, 4, 6, 7, 8, 9}), boost::test_tools::per_element());
      BOOST_TEST(t.failed == 2);
      BOOST_TEST(t.ended);
    }
}

BOOST_AUTO_TEST_CASE(the_loop_runs_out_of_work_when_the_exchange_has_none) {
  for (bool const reuse : {false, true}) {
    asio::io_context io;
    px::queue<int> q(io.get_executor(), {.limit = 2, .reuse = reuse});
    run(io);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 5; ++i) q.start(px::make_reusable(square), i);
      run(io);
      BOOST_TEST(q.size() == 5u * static_cast<std::size_t>(round + 1));
      BOOST_TEST(!q.unfinished());
    }
  }
}

BOOST_AUTO_TEST_CASE(reused_processes_stay_while_tasks_come_one_after_the_other) {
  asio::io_context io;
  px::queue<int> q(io.get_executor(), {.limit = 2, .reuse = true});
  std::set<int> pids;
  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 10; ++i) {
      q.start(px::make_reusable([] { return static_cast<int>(::getpid()); }));
      pids.insert(*co_await q.async_next(asio::use_awaitable));
    }
  }, asio::detached);
  run(io);
  BOOST_TEST(pids.size() <= 2u);
}

BOOST_AUTO_TEST_CASE(a_subclass_is_told_as_things_arrive_and_finish_completes_at_the_end) {
  struct total : px::exchange {
    using px::exchange::exchange;
    long sum = 0;
    void store_data(px::channel& from) override { sum += from.receive<int>(); }
  };
  for (int const limit : {1, 2, 11}) {
    asio::io_context io;
    total t(io.get_executor(), {.limit = limit, .continuous = true});
    for (int i = 0; i < 12; ++i)
      t.start([](px::channel& up, int n) {
        for (int k = 0; k < 10; ++k) up.send(n);
      }, i);
    bool done = false;
    t.async_finish([&](std::exception_ptr error) {
      BOOST_TEST(!error);
      BOOST_TEST(t.sum == 660);
      done = true;
    });
    run(io);
    BOOST_TEST(done);
  }
}

BOOST_AUTO_TEST_CASE(finish_completes_at_once_when_there_is_nothing_to_do_but_not_from_within) {
  asio::io_context io;
  px::queue<int> q(io.get_executor());
  bool done = false;
  q.async_finish([&](std::exception_ptr error) { done = !error; });
  BOOST_TEST(!done);
  run(io);
  BOOST_TEST(done);
}

BOOST_AUTO_TEST_CASE(what_escapes_from_storing_is_what_finish_completes_with) {
  struct picky : px::exchange {
    using px::exchange::exchange;
    int stored = 0;
    void store_data(px::channel& from) override {
      if (from.receive<int>() == 4) throw std::range_error("four");
      ++stored;
    }
  };
  asio::io_context io;
  picky p(io.get_executor(), {.limit = 2});
  for (int i = 0; i < 5; ++i) p.start(px::make_parallel(square), i);
  int failed = 0;
  p.async_finish([&](std::exception_ptr error) { failed += error != nullptr; });
  run(io);
  BOOST_TEST(failed == 1);
  BOOST_TEST(p.stored == 4);
  p.async_finish([&](std::exception_ptr error) { failed += error != nullptr; });
  run(io);
  BOOST_TEST(failed == 1);
}

BOOST_AUTO_TEST_CASE(cancelling_gives_up_waiting_and_loses_no_result) {
  for (bool const reuse : {false, true}) {
    asio::io_context io;
    gate held;
    px::map<int> m(io.get_executor(), {.limit = 2, .reuse = reuse});
    m([&](int n) {
      held.wait();
      return n;
    }, std::vector{0, 1, 2});
    asio::cancellation_signal stop;
    int aborted = 0;
    m.async_next(asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error, std::optional<int> r) {
      aborted += is_code(error, errc::make_error_condition(errc::operation_canceled));
      BOOST_TEST(!r);
      held.open();
    }));
    asio::post(io, [&] { stop.emit(asio::cancellation_type::total); });
    io.run_one_for(10s);
    while (!aborted && io.run_one_for(10s)) {}
    stop.emit(asio::cancellation_type::terminal);  // too late for anything
    taker<px::map<int>> t{m};
    t.take();
    run(io);
    BOOST_TEST(aborted == 1);
    BOOST_TEST(t.got == (std::vector{0, 1, 2}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(only_one_may_wait_at_a_time) {
  asio::io_context io;
  px::queue<int> q(io.get_executor());
  q.start(px::make_parallel(square), 3);
  bool refused = false, got = false;
  q.async_next([&](std::exception_ptr error, std::optional<int> r) { got = !error && r == 9; });
  q.async_next([&](std::exception_ptr error, std::optional<int>) { refused = is_code(error, make_error_code(px::errc::busy).default_error_condition()); });
  run(io);
  BOOST_TEST(refused);
  BOOST_TEST(got);
}

BOOST_AUTO_TEST_CASE(a_channel_that_was_used_on_the_same_loop_can_be_added) {
  asio::io_context io;
  px::queue<int> q(io);
  gate go;
  px::channel ch = px::start(io, [&](px::channel& up) {
    int const n = up.receive<int>();
    go.wait();
    up.send(n + 1);
  });
  bool sent = false, aborted = false;
  ch.async_send(41, [&](boost::system::error_code error) { sent = !error; });
  io.run();
  ch.async_receive<int>([&](std::exception_ptr error, int) {
    aborted = is_code(error, errc::make_error_condition(errc::operation_canceled));
  });
  io.restart();
  io.poll();
  q.add(std::move(ch));
  go.open();
  taker<px::queue<int>> results{q};
  results.take();
  run(io);
  BOOST_TEST((sent && aborted));
  BOOST_TEST(results.got == std::vector<int>{42}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(members_that_would_block_refuse) {
  asio::io_context io;
  px::map<int> m(io.get_executor(), {.limit = 1});
  m.start(px::make_parallel(square), 2);
  BOOST_CHECK_THROW(m.store(), px::sequence_error);
  BOOST_CHECK_THROW(m.store(1ms), px::sequence_error);
  BOOST_CHECK_THROW(m.finish(), px::sequence_error);
  BOOST_CHECK_THROW(m.wait(), px::sequence_error);
  BOOST_CHECK_THROW(m.create(), px::sequence_error);
  BOOST_CHECK_THROW(m.ready(), px::sequence_error);
  BOOST_CHECK_THROW(m.begin(), px::sequence_error);
  BOOST_CHECK_THROW((void)m[0], px::sequence_error);
  run(io);
  BOOST_TEST(m[0] == 4);  // it is there
}

BOOST_AUTO_TEST_CASE(without_an_executor_asynchronous_members_refuse) {
  px::queue<int> q;
  BOOST_CHECK_EXCEPTION(q.async_next(asio::use_future).get(), px::error,
                        [](auto const& e) { return e.code() == px::errc::no_executor; });
  BOOST_CHECK_THROW(q.async_finish(asio::use_future).get(), px::error);
}

BOOST_AUTO_TEST_CASE(code_by_hand_and_plain_functions_share_one_limit_here_too) {
  for (int const limit : {1, 2, 11}) {
    asio::io_context io;
    px::map<int> m(io.get_executor(), {.limit = limit, .reuse = true});
    for (int i = 0; i < 10; ++i) {
      m.start(px::make_reusable(square), i);
      m.start(echo_by_hand, i);
    }
    taker<px::map<int>> t{m};
    t.take();
    run(io);
    BOOST_TEST(t.ended);
    BOOST_REQUIRE(t.got.size() == 20u);
    for (int i = 0; i < 20; ++i) BOOST_TEST(t.got[static_cast<std::size_t>(i)] == (i % 2 ? i / 2 : square(i / 2)));
  }
}

BOOST_AUTO_TEST_CASE(tasks_can_be_started_from_handlers) {
  asio::io_context io;
  px::queue<int> q(io.get_executor(), {.limit = 1});
  std::vector<int> got;
  std::function<void()> next = [&] {
    q.async_next([&](std::exception_ptr, std::optional<int> r) {
      if (!r) return;
      got.push_back(*r);
      if (*r < 5) q.start(px::make_parallel([](int n) { return n + 1; }), *r);
      next();
    });
  };
  q.start(px::make_parallel(square), 0);
  next();
  run(io);
  BOOST_TEST(got == (std::vector{0, 1, 2, 3, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(destroyed_while_somebody_waits_it_tells_them) {
  for (bool const reuse : {false, true}) {
    asio::io_context io;
    gate held;
    auto q = std::make_unique<px::queue<int>>(io.get_executor(), px::exchange_options{.limit = 2, .reuse = reuse});
    for (int i = 0; i < 5; ++i)
      q->start(px::make_reusable([&](int n) {
        held.wait();
        return n;
      }), i);
    bool aborted = false;
    q->async_next([&](std::exception_ptr error, std::optional<int>) {
      aborted = is_code(error, errc::make_error_condition(errc::operation_canceled));
    });
    asio::post(io, [&] { q.reset(); });
    run(io);
    BOOST_TEST(aborted);
    BOOST_TEST(!observe::has_children());
  }
}

BOOST_AUTO_TEST_CASE(it_can_be_destroyed_from_within_its_own_handlers) {
  for (bool const reuse : {false, true}) {
    asio::io_context io;
    auto q = std::make_unique<px::queue<int>>(io.get_executor(), px::exchange_options{.limit = 2, .reuse = reuse});
    for (int i = 0; i < 9; ++i) q->start(px::make_reusable(square), i);
    q->async_next([&](std::exception_ptr, std::optional<int>) { q.reset(); });
    run(io);
    BOOST_TEST(!q);
  }
}

BOOST_AUTO_TEST_CASE(futures_work_with_the_loop_on_a_thread) {
  asio::io_context io;
  auto const guard = asio::make_work_guard(io);
  std::thread runner([&] { io.run(); });
  auto q = std::make_unique<px::queue<int>>(io.get_executor(), px::exchange_options{.limit = 2});
  int sum = 0;
  asio::post(io, asio::use_future([&] { for (int i = 0; i < 5; ++i) q->start(px::make_parallel(square), i); })).get();
  for (;;) {
    auto const r = asio::post(io, asio::use_future([&] { return q->async_next(asio::use_future); })).get().get();
    if (!r) break;
    sum += *r;
  }
  asio::post(io, asio::use_future([&] { q.reset(); })).get();
  io.stop();
  runner.join();
  BOOST_TEST(sum == 30);
}

BOOST_AUTO_TEST_CASE(a_shortage_of_processes_is_survived_and_a_lack_of_any_is_told) {
  auto const as_limited_user = [](rlim_t processes) {
    rlimit const l{processes, processes};
    return ::geteuid() == 0 && ::setrlimit(RLIMIT_NPROC, &l) == 0 && ::setgid(54322) == 0 && ::setuid(54322) == 0;
  };
  int const fewer = code_of_fork([&] {
    if (!as_limited_user(2)) return 77;
    asio::io_context io;
    px::map<int> m(io.get_executor(), {.limit = 11});
    m.start(px::make_parallel(square), 0);
    for (int i = 1; i < 10; ++i) m.start(px::make_parallel(square), i);
    taker<px::map<int>> t{m};
    t.take();
    io.run_for(10s);
    CHILD_CHECK(t.ended && t.failed == 0 && t.got.size() == 10);
    return 0;
  });
  BOOST_TEST((fewer == 0 || fewer == 77), "exit code " << fewer);

  int const none = code_of_fork([&] {
    asio::io_context io;
    px::queue<int> q(io.get_executor(), {.limit = 1});
    gate held;
    q.start([&](px::channel& up) { held.wait(), up.send(1); });
    q.start(px::make_parallel(square), 2);
    if (!as_limited_user(1)) return 77;
    held.open();
    taker<px::queue<int>> t{q};
    int told = 0;
    std::function<void()> next = [&] {
      q.async_next([&](std::exception_ptr error, std::optional<int> r) {
        if (r) next();
        told += is_code(error, errc::make_error_condition(errc::resource_unavailable_try_again));
      });
    };
    next();
    io.run_for(10s);
    CHILD_CHECK(told == 1);
    CHILD_CHECK(q.waiting() == 1);
    return 0;
  });
  BOOST_TEST((none == 0 || none == 77), "exit code " << none);
}

BOOST_AUTO_TEST_SUITE_END()
