#define BOOST_TEST_MODULE grace
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
#include <tuple>
#include <vector>

#include <unistd.h>

// A task that is asked to end by SIGTERM, and gives its value within the grace: what is behind it in the same worker.

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int count = 6;
using counters = std::array<std::atomic<int>, count>;

/// Runs until it is asked to end. In each task anew, so that one which is not asked is seen.
int until_asked(int n, std::atomic<bool>* waits = nullptr) {
  static std::atomic<bool> asked;
  asked = false;
  std::signal(SIGTERM, [](int) { asked = true; });
  if (waits) *waits = true;
  while (!asked) ::usleep(1000);
  return n;
}

auto counted(counters& runs) {
  return [&runs](int n) {
    ++runs[static_cast<std::size_t>(n)];
    return until_asked(n);
  };
}

std::vector<int> numbers() {
  std::vector<int> all;
  for (int n = 0; n < count; ++n) all.push_back(n);
  return all;
}

bool each_ran_once(counters const& runs) {
  for (auto const& n : runs)
    if (n != 1) return false;
  return true;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(grace, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(each_task_has_a_time_of_its_own_after_one_that_gave_its_value_in_the_grace) {
  observe::shared<counters> const runs;
  auto r = px::pmap(counted(*runs), numbers(), {.workers = 1, .task_timeout = 40ms, .grace = 3s});
  BOOST_TEST(r.to_vector() == numbers());
  BOOST_TEST(each_ran_once(*runs));
}

BOOST_AUTO_TEST_CASE(so_it_has_in_a_queue_that_reuses_processes) {
  for (bool const has_channel : {false, true}) {
    observe::shared<counters> const runs;
    px::queue<int> q({.limit = 1, .reuse = true, .task_timeout = 40ms, .grace = 3s});
    auto const work = counted(*runs);
    auto const looped = [work](px::channel& up, int n) {
      for (std::optional<std::tuple<int>> next{n}; next; next = up.receive<std::optional<std::tuple<int>>>())
        up.send(work(std::get<0>(*next)));
    };
    for (int const n : numbers())
      if (has_channel)
        q.start(looped, n);
      else
        q.start(px::make_reusable(work), n);
    int good = 0;
    for (auto const& o : q.outcomes()) good += o && *o == static_cast<int>(o.index());
    BOOST_TEST(good == count);
    BOOST_TEST(each_ran_once(*runs));
  }
}

BOOST_AUTO_TEST_CASE(what_is_behind_a_cancelled_task_that_gave_its_value_is_not_killed) {
  asio::io_context io;
  px::process_pool pool(io, {.workers = 1, .grace = 300ms});
  observe::shared<std::atomic<int>> const begun;
  observe::shared<std::atomic<bool>> const waits;
  auto const work = pool.add([&](int n) {
    ++*begun;
    if (n == 0) return until_asked(n, &*waits);
    for (auto const until = std::chrono::steady_clock::now() + 100ms; std::chrono::steady_clock::now() < until;)
      ::usleep(1000);
    return n;
  });
  asio::cancellation_signal stop;
  int good = 0;
  auto const took = [&](std::exception_ptr e, int) { good += !e; };
  pool.async_submit(px::call(work, 0), asio::bind_cancellation_slot(stop.slot(), took));
  for (int n = 1; n < count; ++n) pool.async_submit(px::call(work, n), took);
  while (!*waits) io.run_one_for(1ms);
  stop.emit(asio::cancellation_type::terminal);
  io.run();
  BOOST_TEST(good == count);
  BOOST_TEST(*begun == count);
}

BOOST_AUTO_TEST_CASE(a_task_that_a_late_signal_hits_is_run_again) {
  // The first task ends just when it is asked to end, and the second one dies of it.
  observe::shared<std::array<std::atomic<int>, 2>> const runs;
  auto work = [&](int n) {
    if (++(*runs)[static_cast<std::size_t>(n)] > 1) return n;
    if (n == 0) {
      std::signal(SIGTERM, [](int) { std::signal(SIGTERM, SIG_DFL); });
      ::pause();
    } else {
      ::raise(SIGTERM);
    }
    return n;
  };
  auto r = px::pmap(work, std::vector<int>{0, 1}, {.workers = 1, .task_timeout = 100ms, .grace = 3s});
  BOOST_TEST(r.to_vector() == (std::vector<int>{0, 1}));
  BOOST_TEST((*runs)[0] == 1);
  BOOST_TEST((*runs)[1] == 2);
}

BOOST_AUTO_TEST_CASE(a_grace_for_ever_is_one) {
  auto const slow_to_end = [](int n) {
    until_asked(n);
    ::usleep(100'000);
    return n;
  };
  constexpr auto for_ever = std::chrono::nanoseconds::max();
  auto r = px::pmap(slow_to_end, std::vector<int>{7}, {.workers = 1, .task_timeout = 40ms, .grace = for_ever});
  BOOST_TEST(r[0] == 7);
  px::queue<int> q({.limit = 1, .task_timeout = 40ms, .grace = for_ever});
  q.start(px::make_parallel(slow_to_end), 8);
  BOOST_TEST(*q.next() == 8);
}

BOOST_AUTO_TEST_SUITE_END()
