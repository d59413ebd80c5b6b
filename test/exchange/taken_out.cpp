#define BOOST_TEST_MODULE taken_out
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;

// Channels that are taken out of an exchange on the user's loop, where nobody waits in a function that would look again.

namespace {

void stay(px::channel& up) {
  ::pause();
  up.send(0);
}

struct loop {
  asio::io_context io;

  void run() {
    io.restart();
    io.run_for(10s);
    BOOST_TEST(io.stopped());
  }
  /// In a handler, when all else has begun.
  template <class Exchange>
  void take_out_first(Exchange& from, px::channel& to) {
    asio::post(io, [&] { to = from.remove(from.active()[0]); });
  }
};

void end(px::channel& ch) {
  ch.kill(SIGKILL);
  ch.wait();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(taken_out, observe::leaves_nothing)

BOOST_FIXTURE_TEST_CASE(finish_completes_when_the_last_one_was_taken_out, loop) {
  px::queue<int> q(io);
  q.start(stay);
  bool finished = false;
  q.async_finish([&](std::exception_ptr) { finished = true; });
  px::channel out;
  take_out_first(q, out);
  run();
  BOOST_TEST(finished);
  end(out);
}

BOOST_FIXTURE_TEST_CASE(what_waits_is_started_in_its_place, loop) {
  px::queue<int> q(io, {.limit = 1});
  q.start(stay);
  q.start([](px::channel& up) { up.send(2); });
  std::optional<int> got;
  q.async_next([&](std::exception_ptr, std::optional<int> r) { got = r; });
  px::channel out;
  take_out_first(q, out);
  run();
  BOOST_TEST((got == 2));
  end(out);
}

BOOST_FIXTURE_TEST_CASE(a_map_goes_on_behind_the_gap, loop) {
  px::map<int> m(io);
  m.start(stay);
  for (int i = 1; i < 3; ++i) m.start(px::make_parallel([](int n) { return n; }), i);
  std::vector<int> got;
  bool ended = false;
  std::function<void()> const next = [&] {
    m.async_next([&](std::exception_ptr, std::optional<int> r) {
      if (r) got.push_back(*r);
      ended = !r;
      if (r) next();
    });
  };
  next();
  px::channel out;
  take_out_first(m, out);
  run();
  BOOST_TEST(ended);
  BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
  end(out);
}

BOOST_FIXTURE_TEST_CASE(a_child_that_runs_the_loop_takes_nothing_from_its_parent, loop) {
  px::queue<int> q(io);
  observe::gate go;
  for (int i = 0; i < 3; ++i)
    q.start(
        [&](px::channel& up, int n) {
          go.wait();
          up.send(n);
        },
        i);
  io.notify_fork(asio::io_context::fork_prepare);
  pid_t const child = ::fork();
  if (child == 0) {
    io.notify_fork(asio::io_context::fork_child);
    go.open();
    io.run_for(300ms);
    ::_exit(0);
  }
  io.notify_fork(asio::io_context::fork_parent);
  int status = 0;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  int got = 0;
  std::function<void()> const next = [&] {
    q.async_next([&](std::exception_ptr error, std::optional<int> r) {
      BOOST_TEST(!error);
      got += r.has_value();
      if (r) next();
    });
  };
  next();
  run();
  BOOST_TEST(got == 3);
}

BOOST_AUTO_TEST_SUITE_END()
