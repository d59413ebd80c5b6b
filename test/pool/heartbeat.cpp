#define BOOST_TEST_MODULE heartbeat
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>

#include <unistd.h>

// The user's loop goes on while workers start, are replaced and end: another handler of it is never kept waiting.

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using timer_clock = std::chrono::steady_clock;

/// Beats on a loop each millisecond, and knows the longest time that a beat was late.
class heartbeat {
 public:
  explicit heartbeat(asio::io_context& io) : timer_(io) { beat(); }
  void stop() { timer_.cancel(), stopped_ = true; }
  std::chrono::nanoseconds longest_silence() const { return longest_; }
  std::size_t beats() const { return beats_; }

 private:
  void beat() {
    timer_.expires_after(1ms);
    due_ = timer_.expiry();
    timer_.async_wait([this](boost::system::error_code error) {
      if (error || stopped_) return;
      ++beats_;
      longest_ = std::max<std::chrono::nanoseconds>(longest_, timer_clock::now() - due_);
      beat();
    });
  }

  asio::steady_timer timer_;
  timer_clock::time_point due_;
  std::chrono::nanoseconds longest_{0};
  std::size_t beats_ = 0;
  bool stopped_ = false;
};

/// The longest silence of a loop on which `what` runs until `done` is called. Other programs may have the processor for long:
/// of some tries the best one counts.
static std::chrono::nanoseconds silence_of(std::function<void(asio::io_context&, std::function<void()> done)> const& what) {
  auto best = std::chrono::nanoseconds::max();
  for (int tries = 0; tries < 8 && best >= 20ms; ++tries) {
    asio::io_context io;
    heartbeat heart(io);
    what(io, [&] { heart.stop(); });
    io.run();
    BOOST_TEST(heart.beats() > 0u);
    best = std::min(best, heart.longest_silence());
  }
  return best;
}

static int identity(int n) { return n; }

BOOST_AUTO_TEST_SUITE(heartbeat_of_a_loop)

BOOST_AUTO_TEST_CASE(stopping_a_pool_whose_tasks_do_not_end_keeps_nobody_waiting) {
  auto const silence = silence_of([](asio::io_context& io, auto done) {
    auto pool = std::make_shared<px::process_pool>(io, px::pool_options{.workers = 2, .grace = 300ms});
    auto const stubborn = pool->add([] {
      std::signal(SIGTERM, SIG_IGN);
      for (;;) ::pause();
    });
    for (int i = 0; i < 2; ++i) pool->async_submit(px::call(stubborn), [](std::exception_ptr) {});
    auto delay = std::make_shared<asio::steady_timer>(io, 200ms);
    delay->async_wait([=](boost::system::error_code) {
      (void)delay;
      pool->stop();
      pool->async_drain([=](std::exception_ptr) { (void)pool, done(); });
    });
  });
  BOOST_TEST(silence.count() < std::chrono::nanoseconds(20ms).count());
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_destroyed_with_a_slow_teardown_keeps_nobody_waiting) {
  auto const silence = silence_of([](asio::io_context& io, auto done) {
    auto pool = std::make_shared<px::process_pool>(
        io, px::pool_options{.workers = 2, .teardown = [] { std::this_thread::sleep_for(300ms); }});
    pool->async_submit(px::call(identity, 1), [&io, done, pool](std::exception_ptr, int) mutable {
      asio::post(io, [pool = std::move(pool)]() mutable { pool.reset(); });
      auto delay = std::make_shared<asio::steady_timer>(io, 500ms);
      delay->async_wait([=](boost::system::error_code) { (void)delay, done(); });
    });
    pool.reset();
  });
  BOOST_TEST(silence.count() < std::chrono::nanoseconds(20ms).count());
}

BOOST_AUTO_TEST_CASE(workers_that_die_and_their_nursery_are_replaced_and_nobody_waits) {
  auto const silence = silence_of([](asio::io_context& io, auto done) {
    auto pool = std::make_shared<px::process_pool>(io, px::pool_options{.workers = 2, .retries = 20});
    auto left = std::make_shared<int>(200);
    auto const now_and_then = pool->add([](int n) {
      if (n % 40 == 7) ::kill(::getppid(), SIGKILL);  // the nursery, and all its workers go too
      if (n % 10 == 3 && px::worker_seed() % 2) ::kill(::getpid(), SIGKILL);
      std::this_thread::sleep_for(1ms);
      return n;
    });
    for (int i = 0; i < 200; ++i)
      pool->async_submit(px::call(now_and_then, i), [=](std::exception_ptr, int) {
        if (--*left == 0) done();
      });
  });
  BOOST_TEST(silence.count() < std::chrono::nanoseconds(20ms).count());
}

BOOST_AUTO_TEST_CASE(a_nursery_that_is_stopped_keeps_nobody_waiting) {
  auto const silence = silence_of([](asio::io_context& io, auto done) {
    auto pool = std::make_shared<px::process_pool>(io, px::pool_options{.workers = 1});
    auto const parent = pool->add([] { return ::getppid(); });
    pool->async_submit(px::call(parent), [=, &io](std::exception_ptr error, pid_t nursery) {
      BOOST_TEST(!error);
      ::kill(nursery, SIGSTOP);
      auto const die = pool->add([] { ::kill(::getpid(), SIGKILL); });
      // The new callable takes another nursery, and the death of its worker is told by that; the old one is dismissed.
      pool->async_submit(px::call(die), [=, &io](std::exception_ptr) {
        pool->async_submit(px::call(identity, 2), [=, &io](std::exception_ptr, int) {
          pool->stop();
          pool->async_drain([=](std::exception_ptr) { (void)pool, done(); });
        });
      });
    });
  });
  BOOST_TEST(silence.count() < std::chrono::nanoseconds(20ms).count());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_queue_keeps_nobody_waiting) {
  auto const silence = silence_of([](asio::io_context& io, auto done) {
    auto queue = std::make_shared<px::parallel_single_task_queue<int (*)(int)>>(
        io, identity, px::parallel_queue_options{.workers = 2, .teardown = [] { std::this_thread::sleep_for(200ms); }});
    for (int i = 0; i < 10; ++i) queue->async_put(std::tuple(i), [](std::exception_ptr) {});
    queue->stop();
    for (int i = 0; i < 10; ++i) queue->async_get([](std::exception_ptr, std::optional<int>) {});
    queue->async_join([=](std::exception_ptr) { (void)queue, done(); });
  });
  BOOST_TEST(silence.count() < std::chrono::nanoseconds(20ms).count());
}

BOOST_AUTO_TEST_SUITE_END()
