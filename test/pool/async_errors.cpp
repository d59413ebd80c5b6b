// Whatever is wrong with an asynchronous operation is told to its handler: nothing leaves the initiating function, nor the
// loop on which a coroutine has called it. One test for all operations of the library.
#define BOOST_TEST_MODULE async_errors
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct refuses {
  std::string text;
  template <class Archive>
  void serialize(Archive&, unsigned) {
    throw std::domain_error("it does not serialize");
  }
};

int length(std::string const& s) { return static_cast<int>(s.size()); }
int length_of_it(refuses const& r) { return length(r.text); }
int same(int n) { return n; }
void nothing(px::channel&) {}
void receive_all(px::channel& up) {
  while (up.receive<int>()) continue;
}

std::string const large(5000, 'x');
constexpr std::size_t small_frames = 1000;

/// An operation is tried on one loop with three kinds of tokens. It is to complete with an error, and later.
class attempts {
 public:
  explicit attempts(asio::io_context& io) : io_(io) {}

  template <class Operation>
  void operator()(char const* name, Operation const& begin) {
    BOOST_TEST_CONTEXT(name) {
      in_a_coroutine(begin);
      with_a_callback(begin);
      with_a_callback_that_has_no_executor(begin);
    }
  }

 private:
  template <class Operation>
  static asio::awaitable<void> attempt(Operation const& begin, bool& caught) {
    try {
      auto operation = begin(asio::use_awaitable);
      co_await std::move(operation);
    } catch (std::exception const&) {
      caught = true;
    }
  }
  template <class Operation>
  void in_a_coroutine(Operation const& begin) {
    bool caught = false, returned = false;
    asio::co_spawn(io_, attempt(begin, caught), [&](std::exception_ptr e) { returned = !e; });
    run();
    BOOST_TEST(caught);
    BOOST_TEST(returned);
  }
  template <class Operation>
  void with_a_callback(Operation const& begin) {
    bool has_begun = false, failed = false, later = false;
    BOOST_CHECK_NO_THROW(begin(asio::bind_executor(io_, [&](auto const& error, auto const&...) {
      failed = static_cast<bool>(error);
      later = has_begun;
    })));
    has_begun = true;
    run();
    BOOST_TEST(failed);
    BOOST_TEST(later);
  }
  template <class Operation>
  void with_a_callback_that_has_no_executor(Operation const& begin) {
    auto told = std::make_shared<std::promise<bool>>();
    auto failed = told->get_future();
    BOOST_CHECK_NO_THROW(begin([told](auto const& error, auto const&...) { told->set_value(static_cast<bool>(error)); }));
    run();
    BOOST_REQUIRE((failed.wait_for(30s) == std::future_status::ready));
    BOOST_TEST(failed.get());
  }
  void run() {
    io_.restart();
    BOOST_CHECK_NO_THROW(io_.run());
  }

  asio::io_context& io_;
};

template <class Pool, class Try>
void attempt_calls(Pool& pool, Try& fails) {
  fails("a call that is too large", [&](auto&& token) { return pool.async_submit(px::call(length, large), token); });
  fails("a call that cannot be encoded",
        [&](auto&& token) { return pool.async_submit(px::call(length_of_it, refuses()), token); });
  px::process_pool other({.workers = 1});
  auto const foreign = other.add([](int n) { return n; });
  fails("a callable of another pool", [&](auto&& token) { return pool.async_submit(px::call(foreign, 1), token); });
}

template <class Queue, class Try>
void attempt_puts(Queue& queue, Try& fails) {
  fails("a task that is too large", [&](auto&& token) { return queue.async_put(px::call(length, large), token); });
  fails("a task that cannot be encoded",
        [&](auto&& token) { return queue.async_put(px::call(length_of_it, refuses()), token); });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(async_errors, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(of_a_pool) {
  asio::io_context io;
  attempts fails(io);
  px::process_pool own({.workers = 1, .frame_limit = small_frames}), users(io, {.workers = 1, .frame_limit = small_frames});
  attempt_calls(own, fails);
  attempt_calls(users, fails);
  for (px::process_pool* pool : {&own, &users}) {
    pool->stop();
    fails("a call after the stop", [&](auto&& token) { return pool->async_submit(px::call(same, 1), token); });
  }
}

BOOST_AUTO_TEST_CASE(of_a_parallel_queue) {
  asio::io_context io;
  attempts fails(io);
  px::parallel_queue_options const small{.workers = 1, .frame_limit = small_frames};
  px::parallel_queue<int> own(small), users(io, small);
  for (px::parallel_queue<int>* queue : {&own, &users}) {
    attempt_puts(*queue, fails);
    queue->stop();
    fails("a task after the stop", [&](auto&& token) { return queue->async_put(px::call(same, 1), token); });
    fails("a value after the stop", [&](auto&& token) { return queue->async_pass(1, token); });
  }
  px::parallel_queue<int> left(small);
  left.close();
  fails("a task after the consumer has left", [&](auto&& token) { return left.async_put(px::call(same, 1), token); });

  px::parallel_queue<std::string> texts(small);
  fails("a value that is too large", [&](auto&& token) { return texts.async_pass(large, token); });
  px::parallel_queue<refuses> others(small);
  fails("a value that cannot be encoded", [&](auto&& token) { return others.async_pass(refuses(), token); });

  px::parallel_single_task_queue lengths(length, small);
  fails("arguments that are too large", [&](auto&& token) { return lengths.async_put(std::tuple(large), token); });
  lengths.stop();
  fails("arguments after the stop", [&](auto&& token) { return lengths.async_put(std::tuple(std::string("x")), token); });
}

BOOST_AUTO_TEST_CASE(of_a_channel) {
  asio::io_context io;
  attempts fails(io);
  px::channel without_executor = px::start(receive_all), moved = px::start(nothing), never_started;
  px::channel elsewhere = std::move(moved);
  for (px::channel* ch : {&without_executor, &moved, &never_started}) {
    fails("send", [&](auto&& token) { return ch->async_send(1, token); });
    fails("receive", [&](auto&& token) { return ch->async_receive<int>(token); });
    fails("wait", [&](auto&& token) { return ch->async_wait(token); });
  }
  px::channel ch = px::start(io, px::start_options{.frame_limit = small_frames}, receive_all);
  fails("a value that is too large", [&](auto&& token) { return ch.async_send(large, token); });
  fails("a value that cannot be encoded", [&](auto&& token) { return ch.async_send(refuses(), token); });
  ch.send(1);  // it is as good as before
  without_executor.wait();
  elsewhere.wait();
  ch.wait();
  fails("a value for a process that has ended", [&](auto&& token) { return ch.async_send(1, token); });
  ch.close();
  fails("a value for a channel that is closed here", [&](auto&& token) { return ch.async_send(1, token); });
}

BOOST_AUTO_TEST_CASE(of_an_exchange) {
  asio::io_context io;
  attempts fails(io);
  px::queue<int> queue;
  px::map<int> map;
  px::exchange raw;
  queue.start(px::make_parallel(same), 1);
  map.start(px::make_parallel(same), 1);
  fails("the next result of a queue", [&](auto&& token) { return queue.async_next(token); });
  fails("the next result of a map", [&](auto&& token) { return map.async_next(token); });
  fails("the end of a queue", [&](auto&& token) { return queue.async_finish(token); });
  fails("the end of an exchange", [&](auto&& token) { return raw.async_finish(token); });
  BOOST_TEST(*queue.next() == 1);
  BOOST_TEST(map[0] == 1);
}

BOOST_AUTO_TEST_CASE(in_a_child_of_the_users_own) {
  px::process_pool pool({.workers = 1});
  px::parallel_queue<int> queue({.workers = 1});
  asio::io_context io;
  px::channel ch = px::start(io, receive_all);
  px::queue<int> results(io);
  pid_t const child = ::fork();
  if (child == 0) {
    io.notify_fork(asio::execution_context::fork_child);
    int told = 0;
    auto count = asio::bind_executor(io, [&](auto const& error, auto const&...) { told += static_cast<bool>(error); });
    auto is_over = asio::bind_executor(io, [&] { ++told; });
    try {
      pool.async_submit(px::call(same, 1), count);
      queue.async_put(px::call(same, 1), count);
      queue.async_pass(1, count);
      queue.async_get(count);
      ch.async_send(1, count);
      ch.async_receive<int>(count);
      ch.async_wait(count);
      results.async_next(count);
      results.async_finish(count);
      pool.async_drain(is_over);
      queue.async_join(is_over);
      io.run();
    } catch (...) {
      ::_exit(100);
    }
    ::_exit(told);
  }
  int status = 0;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 11));
  ch.send(0);
  ch.wait();
}

BOOST_AUTO_TEST_SUITE_END()
