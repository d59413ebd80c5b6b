#define BOOST_TEST_MODULE posted
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using observe::gate;

namespace {

using counter = observe::shared<std::atomic<int>>;

void fail(std::string const& why) { throw std::runtime_error(why); }

/// Lines of a log, written on the pool's thread.
class lines {
 public:
  px::log_sink sink() {
    return [this](px::log_line const& l) {
      std::lock_guard const lock(mutex_);
      all_.emplace_back((l.task ? std::to_string(*l.task) : "-") + ": " + std::string(l.text));
    };
  }
  std::size_t with(std::string const& text) const {
    std::lock_guard const lock(mutex_);
    std::size_t count = 0;
    for (std::string const& line : all_) count += line.find(text) != std::string::npos;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(posted, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(all_that_was_posted_is_done_before_the_pool_goes) {
  for (int const workers : {1, 2, 11}) {
    counter done(0);
    {
      px::process_pool pool({.workers = workers});
      auto const count = pool.add([&](int n) { *done += n; });
      for (int n = 0; n < 200; ++n) pool.post(count, 1);
    }
    BOOST_TEST(*done == 200);
  }
}

BOOST_AUTO_TEST_CASE(an_exception_that_destroys_the_pool_waits_for_it_too) {
  counter done(0);
  try {
    px::process_pool pool({.workers = 2});
    auto const count = pool.add([&] { ::usleep(1000), ++*done; });
    for (int n = 0; n < 20; ++n) pool.post(count);
    throw std::logic_error("out of here");
  } catch (std::logic_error const&) {
  }
  BOOST_TEST(*done == 20);
}

BOOST_AUTO_TEST_CASE(what_is_submitted_is_not_waited_for) {
  gate held;
  std::future<void> result;
  {
    px::process_pool pool({.workers = 1});
    result = pool.submit(pool.add([&] { held.wait(); }));
  }
  BOOST_CHECK_THROW(result.get(), px::task_cancelled);
}

BOOST_AUTO_TEST_CASE(what_a_posted_callable_returns_stays_there_whatever_it_is) {
  px::process_pool pool({.workers = 1});
  pool.post([] { return std::make_unique<int>(1); });
  pool.post([]() -> int* { static int here = 0; return &here; });
  pool.post(::getenv, "HOME");
  pool.drain();
}

BOOST_AUTO_TEST_CASE(a_failure_is_in_the_log_and_thrown_by_drain_once) {
  lines log;
  px::process_pool pool({.workers = 1, .log = log.sink()});
  pool.post(fail, "first");
  pool.post(fail, "second");
  pool.post([] { ::raise(SIGKILL); });
  BOOST_CHECK_EXCEPTION(pool.drain(), px::remote_exception,
                        [](auto const& e) { return std::string(e.what()).find("first") != std::string::npos; });
  BOOST_TEST(log.with("0: task 0, which was posted, failed: ") == 1u);
  BOOST_TEST(log.with("1: task 1, which was posted, failed: ") == 1u);
  BOOST_TEST(log.with("2: task 2, which was posted, failed: ") == 1u);
  BOOST_TEST(log.with("SIGKILL") == 1u);
  pool.drain();
  pool.post(fail, "third");
  BOOST_CHECK_THROW(pool.drain_for(60s), px::remote_exception);
}

BOOST_AUTO_TEST_CASE(without_a_log_it_is_on_standard_error) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  processes::own_fd const from(ends[0]);
  int const before = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  {
    px::process_pool pool({.workers = 1});
    pool.post(fail, "nobody takes this");
  }
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::string text(4096, '\0');
  ssize_t const n = ::read(from.get(), text.data(), text.size());
  BOOST_REQUIRE(n > 0);
  BOOST_TEST(text.find("procx: task 0, which was posted, failed: ") != std::string::npos);
  BOOST_TEST(text.find("nobody takes this") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_cancelled_is_told_in_one_line_and_the_pool_goes_at_once) {
  lines log;
  gate held;
  {
    px::process_pool pool({.workers = 1, .log = log.sink()});
    auto const wait = pool.add([&] { held.wait(); });
    for (int n = 0; n < 100; ++n) pool.post(wait);
    pool.stop();
    BOOST_CHECK_THROW(pool.post(wait), px::queue_stopped);
    BOOST_CHECK_THROW(pool.drain(), px::task_cancelled);
  }
  BOOST_TEST(log.with("-: 100 posted tasks were cancelled: the pool was stopped") == 1u);
}

BOOST_AUTO_TEST_CASE(on_the_users_loop_the_pool_does_not_wait_and_says_so) {
  lines log;
  gate held;
  asio::io_context io;
  counter done(0);
  {
    px::process_pool pool(io, {.workers = 1, .log = log.sink()});
    pool.post(pool.add([&] { ++*done; }));
    pool.async_drain([] {});
    io.run();
    BOOST_TEST(*done == 1);
    pool.post(pool.add([&] { held.wait(); }));
  }
  io.restart();
  io.run();
  BOOST_TEST(log.with("1 posted task was cancelled") == 1u);
}

BOOST_AUTO_TEST_CASE(a_failure_beside_submitted_calls_is_drains_alone) {
  lines log;
  px::process_pool pool({.workers = 2, .log = log.sink()});
  auto failing = pool.submit(fail, "the future's");
  pool.post(fail, "nobody's");
  BOOST_CHECK_EXCEPTION(pool.drain(), px::remote_exception,
                        [](auto const& e) { return std::string(e.what()).find("nobody's") != std::string::npos; });
  BOOST_CHECK_THROW(failing.get(), px::remote_exception);
}

BOOST_AUTO_TEST_SUITE_END()
