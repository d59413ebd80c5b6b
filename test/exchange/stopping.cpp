#define BOOST_TEST_MODULE stopping
#include "support/observe.hpp"
#include "support/stopping.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <set>
#include <vector>

#include <unistd.h>

namespace px = procx;
using stopping::in_own_process;
using stopping::is_cancelled;
using stopping::signals_are_prompt;

namespace {

/// Sends the signal to the program when it is called with this number, and gives the program time to notice.
auto square_but_signal_at(int number, int signal) {
  return [number, signal, program = ::getpid()](int n) {
    if (n == number) {
      ::kill(program, signal);
      ::usleep(50'000);
    }
    return n * n;
  };
}

/// What became of `count` tasks: each has one outcome, a right value or `task_cancelled`, and so many are good.
struct tally {
  std::set<std::size_t> seen;
  std::size_t good = 0, cancelled = 0;
  bool right = true;

  void add(px::outcome<int> const& o) {
    right = right && seen.insert(o.index()).second;
    if (o) {
      ++good;
      right = right && *o == static_cast<int>(o.index() * o.index());
    } else {
      ++cancelled;
      right = right && is_cancelled(o.error());
    }
  }
  bool all(std::size_t count) const { return right && good + cancelled == count; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stopping_an_exchange, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(after_one_signal_each_task_that_waits_is_cancelled) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::queue<int> q({.limit = 1});
    auto const work = q.manage(px::make_parallel(square_but_signal_at(2, SIGTERM)));
    for (int n = 0; n < 10; ++n) work(n);
    tally t;
    for (auto const& o : q.outcomes()) t.add(o);
    work(10);  // later ones are not begun either
    std::size_t late = 0;
    for (auto const& o : q.outcomes()) late += !o && o.index() == 10 && is_cancelled(o.error());
    return t.all(10) && t.good == 3 && late == 1;
  }));
}

BOOST_AUTO_TEST_CASE(a_map_has_its_holes_in_their_places) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::map<int> m({.limit = 2});
    m(px::make_parallel(square_but_signal_at(1, SIGINT)), std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    tally t;
    bool in_order = true;
    for (auto const& o : m.outcomes()) {
      in_order = in_order && o.index() == t.seen.size();
      t.add(o);
    }
    return t.all(10) && in_order && t.good >= 2 && t.good < 10;
  }));
}

BOOST_AUTO_TEST_CASE(a_callable_with_a_channel_that_is_reused_gets_no_more_parameters) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::queue<int> q({.limit = 1, .reuse = true});
    auto const fn = square_but_signal_at(3, SIGINT);
    auto const work = q.manage([fn](px::channel& up, int n) {
      for (std::optional<std::tuple<int>> next{n}; next; next = up.receive<std::optional<std::tuple<int>>>())
        up.send(fn(std::get<0>(*next)));
    });
    for (int n = 0; n < 10; ++n) work(n);
    tally t;
    for (auto const& o : q.outcomes()) t.add(o);
    return t.all(10) && t.good == 4;
  }));
}

BOOST_AUTO_TEST_CASE(after_two_signals_what_runs_is_killed_and_cancelled) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    pid_t const program = ::getpid();
    px::queue<int> q({.limit = 2});
    auto const work = q.manage(px::make_parallel([program](int n) {
      if (n == 0) {
        ::kill(program, SIGINT);
        ::usleep(50'000);
        ::kill(program, SIGINT);
      }
      for (;;) ::pause();
      return n;
    }));
    for (int n = 0; n < 5; ++n) work(n);
    tally t;
    for (auto const& o : q.outcomes()) t.add(o);
    return t.all(5) && t.cancelled == 5;
  }));
}

BOOST_AUTO_TEST_CASE(on_an_executor_it_is_the_same) {
  for (int const signals : {1, 2})
    BOOST_TEST(in_own_process([signals] {
      px::stop_on_signals();
      pid_t const program = ::getpid();
      boost::asio::io_context context;
      tally t;
      {
        px::queue<int> q(context, {.limit = 1});
        auto const work = q.manage(px::make_parallel([program, signals](int n) {
          for (int s = 0; s < signals; ++s) {
            ::kill(program, SIGTERM);
            ::usleep(50'000);
          }
          if (signals == 2)
            for (;;) ::pause();
          return n * n;
        }));
        for (int n = 0; n < 6; ++n) work(n);
        q.async_finish([](std::exception_ptr) {});
        context.run();
        while (auto* const o = q.next_outcome()) t.add(*o);
      }
      return t.all(6) && t.good == (signals == 1 ? 1 : 0);
    }));
}

BOOST_AUTO_TEST_CASE(who_looks_after_the_channels_himself_is_told_when_the_others_are_through) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    px::exchange e({.limit = 1});
    auto const work = e.manage(px::make_parallel(square_but_signal_at(1, SIGINT)));
    for (int n = 0; n < 5; ++n) work(n);
    std::vector<int> got;
    try {
      while (e.unfinished())
        for (px::channel& ch : e.ready())
          if (auto const v = ch.try_receive<int>()) got.push_back(*v);
    } catch (px::task_cancelled const&) {
      while (e.unfinished())
        for (px::channel& ch : e.ready())
          if (auto const v = ch.try_receive<int>()) got.push_back(*v);
      return got == std::vector{0, 1} && e.waiting() == 0;
    }
    return false;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
