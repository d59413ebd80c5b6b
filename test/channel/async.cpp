#define BOOST_TEST_MODULE async
#include <procx/channel/start.hpp>

#include "support/processes.hpp"
#include "support/transports.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace px = procx;
namespace asio = boost::asio;
using namespace processes;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};

auto const plus_one = [](px::channel& up) {
  for (;;) up.send(up.receive<int>() + 1);
};
auto const silent = [](px::channel& up) { up.receive<int>(); };

error_code code_in(std::exception_ptr const& e) {
  try {
    if (e) std::rethrow_exception(e);
    return {};
  } catch (boost::system::system_error const& x) {
    return x.code();
  }
}

/// What the handler of an operation was given; a handler that is called twice is an error.
template <class T>
struct receipt {
  int calls = 0;
  error_code code;
  std::exception_ptr error;
  std::optional<T> value;

  auto receiving() {
    return [this](std::exception_ptr e, T v) {
      ++calls, error = e, code = code_in(e), value = std::move(v);
    };
  }
};
struct done {
  int calls = 0;
  error_code code;
  px::exit_status status;

  auto sending() {
    return [this](error_code e) { ++calls, code = e; };
  }
  auto waiting() {
    return [this](error_code e, px::exit_status s) { ++calls, code = e, status = s; };
  }
};

struct with_io {
  asio::io_context io;
  asio::any_io_executor executor = io.get_executor();

  /// Runs until nothing is left to do, which must be soon.
  void run() {
    io.restart();
    auto const start = std::chrono::steady_clock::now();
    io.run_for(10s);
    BOOST_TEST((std::chrono::steady_clock::now() - start < 10s));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(asynchronous, with_io)

BOOST_DATA_TEST_CASE(callbacks_get_what_was_sent_and_then_nothing_is_pending, transports, via) {
  px::channel ch = px::start(executor, px::start_options{.via = via}, plus_one);
  BOOST_TEST((ch.get_executor() == executor));
  done sent, ended;
  receipt<int> got;
  ch.async_send(41, sent.sending());
  ch.async_receive<int>(got.receiving());
  BOOST_TEST(sent.calls + got.calls == 0);  // never from within
  run();
  BOOST_TEST(sent.calls == 1);
  BOOST_TEST(!sent.code);
  BOOST_TEST(got.calls == 1);
  BOOST_TEST(got.value.value() == 42);
  ch.async_wait(ended.waiting());
  run();
  BOOST_TEST(ended.calls == 1);
  BOOST_TEST(ended.status.success());
}

BOOST_AUTO_TEST_CASE(futures_get_them_as_well) {
  px::channel ch = px::start(executor, plus_one);
  auto const work = asio::make_work_guard(io);
  std::thread thread([&] { io.run(); });
  auto const post = [&](auto start) { return asio::post(executor, asio::use_future(start)).get(); };
  post([&] { return ch.async_send(1, asio::use_future); }).get();
  BOOST_TEST(post([&] { return ch.async_receive<int>(asio::use_future); }).get() == 2);
  BOOST_TEST(post([&] { return ch.async_wait(asio::use_future); }).get().success());
  auto failed = post([&] { return ch.async_receive<int>(asio::use_future); });
  BOOST_CHECK_THROW(failed.get(), px::end_of_channel);
  io.stop();
  thread.join();
}

BOOST_AUTO_TEST_CASE(coroutines_get_them_as_well) {
  bool finished = false;
  auto const body = [&]() -> asio::awaitable<void> {
    px::channel ch = px::start(executor, plus_one);
    for (int i = 0; i < 100; ++i) {
      co_await ch.async_send(i, asio::use_awaitable);
      int const got = co_await ch.async_receive<int>(asio::use_awaitable);
      BOOST_TEST(got == i + 1);
    }
    px::exit_status const status = co_await ch.async_wait(asio::use_awaitable);
    BOOST_TEST(status.success());
    bool ended = false;
    try {
      co_await ch.async_receive<int>(asio::use_awaitable);
    } catch (px::end_of_channel const&) {
      ended = true;
    }
    BOOST_TEST(ended);
    finished = true;
  };
  asio::co_spawn(executor, body, [](std::exception_ptr e) { BOOST_TEST(!e); });
  run();
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(a_value_without_a_default_constructor_comes_in_an_optional) {
  px::channel ch = px::start(executor, [](px::channel& up) { up.send(no_default(5)); });
  int calls = 0;
  auto const handler = [&](std::exception_ptr e, std::optional<no_default> v) {
    ++calls;
    BOOST_TEST((calls == 1 ? !e && v && v->value == 5 : e && !v));
  };
  ch.async_receive<no_default>(handler);
  run();
  ch.async_receive<no_default>(handler);
  run();
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(handlers_run_on_their_own_executor) {
  asio::io_context other;
  auto strand = asio::make_strand(other);
  px::channel ch = px::start(executor, plus_one);
  int calls = 0, elsewhere = 0;
  auto const checked = [&](auto&&...) {
    elsewhere += !strand.running_in_this_thread();
    ++calls;
  };
  ch.async_send(1, asio::bind_executor(strand, checked));
  ch.async_receive<int>(asio::bind_executor(strand, checked));
  run();
  BOOST_TEST(calls == 0);
  other.run_for(10s);  // returns: the operations were its work, and are done
  BOOST_TEST(calls == 2);
  ch.async_wait(asio::bind_executor(strand, checked));
  std::thread thread([&] {
    other.restart();
    other.run();  // does not return before the operation is done
  });
  run();
  thread.join();
  BOOST_TEST(calls == 3);
  BOOST_TEST(elsewhere == 0);
}

BOOST_DATA_TEST_CASE(several_sends_leave_in_order_while_both_sides_send_much, transports, via) {
  constexpr std::size_t size = std::size_t{sanitized ? 1 : 4} << 20;
  px::channel ch = px::start(executor, px::start_options{.via = via}, [](px::channel& up) {
    up.send(std::string(size, 'u'));
    for (char c : {'a', 'b', 'c'}) up.send(up.receive<std::string>() == std::string(size, c));
  });
  std::vector<char> order;
  for (char c : {'a', 'b', 'c'})
    ch.async_send(std::string(size, c), [&order, c](error_code e) {
      BOOST_TEST(!e);
      order.push_back(c);
    });
  receipt<std::string> much;
  ch.async_receive<std::string>(much.receiving());
  run();
  BOOST_TEST((order == std::vector<char>{'a', 'b', 'c'}));
  BOOST_TEST(much.value.value().size() == size);
  for (int i = 0; i < 3; ++i) {
    receipt<bool> right;
    ch.async_receive<bool>(right.receiving());
    run();
    BOOST_TEST(right.value.value());
  }
}

BOOST_AUTO_TEST_CASE(a_second_receive_at_the_same_time_is_busy) {
  px::channel ch = px::start(executor, plus_one);
  receipt<int> first, second;
  ch.async_receive<int>(first.receiving());
  ch.async_receive<int>(second.receiving());
  ch.async_send(1, [](error_code) {});
  run();
  BOOST_TEST((second.code == px::errc::busy));
  BOOST_TEST(first.value.value() == 2);
}

BOOST_AUTO_TEST_CASE(failures_arrive_as_what_they_were) {
  px::channel thrown = px::start(executor, [](px::channel&) { throw std::range_error("out of ink"); });
  receipt<int> got;
  thrown.async_receive<int>(got.receiving());
  run();
  try {
    std::rethrow_exception(got.error);
  } catch (px::remote_exception const& e) {
    BOOST_TEST(e.type_name() == "std::range_error");
  }

  px::channel died = px::start(executor, [](px::channel&) {
    ::signal(SIGTERM, SIG_DFL);
    ::raise(SIGTERM);
  });
  auto const start = std::chrono::steady_clock::now();
  died.async_receive<int>(got.receiving());
  run();
  BOOST_TEST((std::chrono::steady_clock::now() - start < 900ms));  // no timer holds the context up
  try {
    std::rethrow_exception(got.error);
  } catch (px::process_died const& e) {
    BOOST_TEST(e.status().signal() == SIGTERM);
  }
  done ended;
  died.async_wait(ended.waiting());
  run();
  BOOST_TEST(ended.status.signal() == SIGTERM);

  px::channel over = px::start(executor, [](px::channel&) {});
  over.async_receive<int>(got.receiving());
  run();
  BOOST_TEST((got.code == px::errc::end_of_channel));

  px::channel wrong = px::start(executor, [](px::channel& up) { up.send('c'); });
  wrong.async_receive<int>(got.receiving());
  run();
  BOOST_TEST((got.code == px::errc::protocol_error));
}

BOOST_DATA_TEST_CASE(a_death_is_seen_though_a_copy_of_the_process_lives_on_with_the_channel, transports, via) {
  own_pipe gate;
  px::channel ch = px::start(executor, px::start_options{.via = via}, [&](px::channel&) {
    if (::fork() == 0) {
      gate.write.close();
      read_all(gate.read.get());
    }
    ::_exit(5);
  });
  receipt<int> got;
  done sent;
  ch.async_receive<int>(got.receiving());
  ch.async_send(std::string(4 << 20, 'x'), sent.sending());
  run();
  BOOST_TEST((got.code == px::errc::process_died));
  BOOST_TEST((sent.code == px::errc::process_died));
}

BOOST_AUTO_TEST_CASE(sending_to_one_that_has_ended_fails) {
  px::channel ch = px::start(executor, [](px::channel&) {});
  own_fd const end = pidfd_of(ch.pid());
  BOOST_TEST(readable(end.get()));
  done sent;
  ch.async_send(1, sent.sending());
  run();
  BOOST_TEST(sent.calls == 1);
  BOOST_TEST((sent.code == px::errc::end_of_channel));
}

BOOST_DATA_TEST_CASE(sending_says_how_the_process_has_died, transports, via) {
  px::channel ch = px::start(executor, px::start_options{.via = via}, [](px::channel& up) {
    up.receive<std::string>();
    ::raise(SIGKILL);
  });
  std::vector<done> sent(3);
  for (done& d : sent) ch.async_send(std::string(4 << 20, 'x'), d.sending());
  run();
  for (done const& d : sent | std::views::drop(1)) BOOST_TEST((d.code == px::errc::process_died));
}

BOOST_AUTO_TEST_CASE(a_send_to_a_process_that_has_closed_its_channel_and_runs_on_is_not_waited_for_long) {
  own_pipe gate;
  px::channel ch = px::start(executor, [&](px::channel& up) {
    up.close();
    gate.write.close();
    read_all(gate.read.get());
  });
  done sent;
  ch.async_send(std::string(4 << 20, 'x'), sent.sending());
  run();
  BOOST_TEST((sent.code == px::errc::end_of_channel));
}

BOOST_AUTO_TEST_CASE(waiting_keeps_what_is_sent_meanwhile) {
  constexpr std::size_t size = std::size_t{sanitized ? 1 : 2} << 20;
  for (bool acknowledged : {false, true}) {
    px::channel ch = px::start(executor, px::start_options{.acknowledged = acknowledged}, [](px::channel& up) {
      up.send(std::string(size, 'x'));
      up.send(std::string("the last"));
    });
    done ended;
    ch.async_wait(ended.waiting());
    run();
    BOOST_TEST(ended.status.success());
    for (std::size_t expected : {size, std::size_t{8}}) {
      receipt<std::string> got;
      ch.async_receive<std::string>(got.receiving());
      run();
      BOOST_TEST(got.value.value().size() == expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(on_an_acknowledged_channel_a_send_is_done_when_it_was_received) {
  own_pipe gate;
  px::channel ch = px::start(executor, px::start_options{.acknowledged = true}, [&](px::channel& up) {
    gate.write.close();
    read_all(gate.read.get());
    up.receive<int>();
    up.receive<int>();
  });
  std::vector<done> sends(2);
  for (done& d : sends) ch.async_send(1, d.sending());
  io.run_for(20ms);
  BOOST_TEST(sends[0].calls == 0);
  gate.write.close();
  run();
  for (done const& d : sends) BOOST_TEST((d.calls == 1 && !d.code));
}

BOOST_AUTO_TEST_CASE(cancelling_a_receive_loses_no_value) {
  px::channel ch = px::start(executor, plus_one);
  for (auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total})
    for (bool sent_before : {false, true}) {
      asio::cancellation_signal stop;
      receipt<int> cancelled, got;
      if (sent_before) ch.send(1);
      ch.async_receive<int>(asio::bind_cancellation_slot(stop.slot(), cancelled.receiving()));
      asio::post(executor, [&] { stop.emit(type); });
      run();
      BOOST_TEST(cancelled.calls == 1);
      if (!cancelled.code) {  // it was faster
        BOOST_TEST(cancelled.value.value() == 2);
        continue;
      }
      BOOST_TEST((cancelled.code == asio::error::operation_aborted));
      if (!sent_before) ch.send(1);
      ch.async_receive<int>(got.receiving());
      run();
      BOOST_TEST(got.value.value() == 2);
    }
}

BOOST_AUTO_TEST_CASE(cancelling_one_operation_leaves_the_others) {
  px::channel ch = px::start(executor, silent);
  asio::cancellation_signal stop;
  receipt<int> received;
  done ended;
  ch.async_receive<int>(asio::bind_cancellation_slot(stop.slot(), received.receiving()));
  asio::post(executor, [&] {
    stop.emit(asio::cancellation_type::terminal);
    ch.async_wait(ended.waiting());
  });
  run();
  BOOST_TEST((received.code == asio::error::operation_aborted));
  BOOST_TEST(ended.status.success());
}

BOOST_AUTO_TEST_CASE(cancelling_a_wait_leaves_the_process_and_its_end_can_be_awaited_again) {
  own_pipe gate;
  px::channel ch = px::start(executor, [&](px::channel&) {
    gate.write.close();
    read_all(gate.read.get());
  });
  asio::cancellation_signal stop;
  done first, second;
  ch.async_wait(asio::bind_cancellation_slot(stop.slot(), first.waiting()));
  asio::post(executor, [&] { stop.emit(asio::cancellation_type::total); });
  run();
  BOOST_TEST((first.code == asio::error::operation_aborted));
  BOOST_TEST(!ch.try_wait());
  ch.async_wait(second.waiting());
  gate.write.close();
  run();
  BOOST_TEST(second.status.success());
}

BOOST_AUTO_TEST_CASE(a_send_that_is_cancelled_goes_on_leaving) {
  constexpr std::size_t size = std::size_t{sanitized ? 1 : 4} << 20;
  own_pipe gate;
  px::channel ch = px::start(executor, [&](px::channel& up) {
    gate.write.close();
    read_all(gate.read.get());
    up.send(up.receive<std::string>().size() + up.receive<std::size_t>());
  });
  asio::cancellation_signal stop;
  done cancelled, sent;
  ch.async_send(std::string(size, 'x'), asio::bind_cancellation_slot(stop.slot(), cancelled.sending()));
  asio::post(executor, [&] { stop.emit(asio::cancellation_type::partial); });
  run();
  BOOST_TEST((cancelled.code == asio::error::operation_aborted));
  gate.write.close();
  receipt<std::size_t> got;
  ch.async_send(std::size_t{3}, sent.sending());
  ch.async_receive<std::size_t>(got.receiving());
  run();
  BOOST_TEST(!sent.code);
  BOOST_TEST(got.value.value() == size + 3);
}

BOOST_AUTO_TEST_CASE(a_timeout_by_awaitable_operators_loses_no_value) {
  using namespace asio::experimental::awaitable_operators;
  bool finished = false;
  auto const body = [&]() -> asio::awaitable<void> {
    px::channel ch = px::start(executor, plus_one);
    asio::steady_timer timer(executor, 5ms);
    auto const either =
        co_await (ch.async_receive<int>(asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
    BOOST_TEST(either.index() == 1u);
    co_await ch.async_send(1, asio::use_awaitable);
    int const got = co_await ch.async_receive<int>(asio::use_awaitable);
    BOOST_TEST(got == 2);
    finished = true;
  };
  asio::co_spawn(executor, body, [](std::exception_ptr e) { BOOST_TEST(!e); });
  run();
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(two_channels_share_a_context) {
  px::channel a = px::start(executor, plus_one);
  px::channel b = px::start(executor, plus_one);
  std::vector<int> got;
  std::function<void(px::channel&, int)> play = [&](px::channel& ch, int n) {
    if (n == 100) return;
    ch.async_send(n, [](error_code e) { BOOST_TEST(!e); });
    ch.async_receive<int>([&, n](std::exception_ptr e, int v) {
      BOOST_TEST(!e);
      got.push_back(v);
      play(ch, n + 1);
    });
  };
  play(a, 0);
  play(b, 0);
  run();
  BOOST_TEST(got.size() == 200u);
}

BOOST_AUTO_TEST_CASE(destroying_or_closing_a_channel_aborts_what_is_pending) {
  for (bool close : {false, true}) {
    own_pipe gate;
    auto ch = std::make_unique<px::channel>(px::start(executor, [&](px::channel&) {
      gate.write.close();
      read_all(gate.read.get());
    }));
    receipt<int> received;
    done sent, ended;
    ch->async_receive<int>(received.receiving());
    ch->async_send(std::string(4 << 20, 'x'), sent.sending());
    io.poll();
    ch->async_wait(ended.waiting());
    asio::post(executor, [&] { close ? ch->close() : ch.reset(); });
    run();
    BOOST_TEST((received.code == asio::error::operation_aborted));
    BOOST_TEST(sent.calls == 1);
    BOOST_TEST(ended.calls == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_slot_that_fires_after_the_channel_has_gone_does_nothing) {
  asio::cancellation_signal stop;
  receipt<int> received;
  {
    px::channel ch = px::start(executor, silent);
    ch.async_receive<int>(asio::bind_cancellation_slot(stop.slot(), received.receiving()));
  }
  stop.emit(asio::cancellation_type::terminal);
  run();
  BOOST_TEST(received.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_first_takes_the_handlers_along) {
  auto own = std::make_unique<asio::io_context>();
  auto watched = std::make_shared<int>(1);
  px::channel ch = px::start(own->get_executor(), silent);
  ch.async_receive<int>([watched](std::exception_ptr, int) {});
  own->poll();
  ch = px::channel();
  own.reset();
  BOOST_TEST(watched.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(one_started_without_an_executor_says_so) {
  px::channel ch = px::start(plus_one);
  int told = 0;
  auto const is_told = [&](error_code e) { told += e == px::errc::no_executor; };
  ch.async_receive<int>(asio::bind_executor(executor, [&](std::exception_ptr e, int) {
    try {
      std::rethrow_exception(e);
    } catch (px::error const& refused) {
      is_told(refused.code());
    }
  }));
  ch.async_wait(asio::bind_executor(executor, [&](error_code e, px::exit_status) { is_told(e); }));
  ch.async_send(1, asio::bind_executor(executor, is_told));
  BOOST_TEST(told == 0);  // never within the call
  run();
  BOOST_TEST(told == 3);
  ch.send(10);  // what was refused was not sent
  BOOST_TEST(ch.receive<int>() == 11);
}

BOOST_AUTO_TEST_CASE(blocking_and_asynchronous_operations_may_take_turns) {
  px::channel ch = px::start(executor, plus_one);
  ch.send(1);
  receipt<int> got;
  ch.async_receive<int>(got.receiving());
  run();
  BOOST_TEST(got.value.value() == 2);
  done sent;
  ch.async_send(5, sent.sending());
  run();
  BOOST_TEST(ch.receive<int>() == 6);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(several_values_that_came_at_once_are_received_one_by_one) {
  px::channel ch = px::start(executor, [](px::channel& up) {
    for (int i = 0; i < 1000; ++i) up.send(i);
  });
  int next = 0;
  std::function<void()> again = [&] {
    ch.async_receive<int>([&](std::exception_ptr e, int v) {
      if (e) return;
      BOOST_TEST(v == next++);
      again();
    });
  };
  again();
  run();
  BOOST_TEST(next == 1000);
}

BOOST_AUTO_TEST_CASE(in_a_users_own_fork_the_channel_is_foreign_and_can_be_destroyed) {
  auto ch = std::make_unique<px::channel>(px::start(executor, plus_one));
  receipt<int> got;
  ch->async_receive<int>(got.receiving());
  io.poll();
  BOOST_TEST(code_of_fork([&] {
    io.notify_fork(asio::execution_context::fork_child);
    error_code told;
    ch->async_wait([&](error_code e, px::exit_status) { told = e; });
    io.poll();
    CHILD_CHECK(told == px::errc::foreign_process);
    ch.reset();
    return 0;
  }) == 0);
  ch->async_send(1, [](error_code) {});
  run();
  BOOST_TEST(got.value.value() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
