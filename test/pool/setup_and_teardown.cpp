#define BOOST_TEST_MODULE setup_and_teardown
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }

// Ways for a teardown to fail.
void throws() { throw std::runtime_error("the disk is full"); }
void aborts() { std::abort(); }
void exits() { ::_exit(3); }
void hangs() {
  for (;;) ::pause();
}

/// Lines of a log that concern a teardown, or a worker that was to leave.
struct endings {
  std::mutex mutex = {};
  std::vector<std::string> lines = {};

  void operator()(px::log_line const& l) {
    std::lock_guard const lock(mutex);
    lines.emplace_back(l.text);
  }
  bool have(std::string const& text) {
    std::lock_guard const lock(mutex);
    return std::ranges::any_of(lines, [&](auto const& line) { return line.find(text) != line.npos; });
  }
};

struct failing {
  void (*teardown)();
  char const* told;  // a part of the line
};
constexpr failing ways[]{{throws, "threw std::runtime_error: the disk is full"},
                         {aborts, "killed by SIGABRT"},
                         {exits, "exited with 3"},
                         {hangs, "had not done so in time"}};

/// What a call throws: what a teardown has thrown, or how a worker has ended; empty: nothing.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (px::remote_exception const& e) {
    return e.message();
  } catch (px::process_died const& e) {
    return e.status().to_string();
  }
  return {};
}

std::vector<std::future<int>> submit_some(px::process_pool& pool, int count) {
  std::vector<std::future<int>> results;
  for (int n = 0; n < count; ++n) results.push_back(pool.submit(square, n));
  return results;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(setup_and_teardown, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(setup_and_teardown_are_run_in_each_worker) {
  static int number = 0;
  processes::own_pipe torn_down;
  {
    px::process_pool pool({.workers = 2,
                           .setup = [] { number = 42; },
                           .teardown = [&] { (void)!::write(torn_down.write.get(), "x", 1); }});
    for (int i = 0; i < 10; ++i) BOOST_TEST(pool.submit([] { return number; }).get() == 42);
    BOOST_TEST(number == 0);
    pool.drain();
  }
  BOOST_TEST(processes::readable(torn_down.read.get()));
}

BOOST_AUTO_TEST_CASE(a_pool_whose_workers_cannot_be_set_up_fails_its_calls_and_does_not_spin) {
  px::process_pool pool({.workers = 2, .setup = [] { throw std::runtime_error("no license"); }});
  for (int round = 0; round < 2; ++round) {
    try {
      pool.submit(square, 1).get();
      BOOST_ERROR("no worker could be set up");
    } catch (px::remote_exception const& e) {
      BOOST_TEST(e.message() == "no license");
    }
  }
  px::process_pool deadly({.workers = 2, .setup = [] { ::_exit(3); }});
  try {
    deadly.submit(square, 1).get();
    BOOST_ERROR("no worker could be set up");
  } catch (px::process_died const& e) {
    BOOST_TEST(e.status().code() == 3);
  }
}

BOOST_AUTO_TEST_CASE(the_work_goes_on_with_the_worker_that_could_be_set_up) {
  std::FILE* const license = std::tmpfile();
  auto const take_it = [fd = ::fileno(license)] {
    int const mine = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
    if (::flock(mine, LOCK_EX | LOCK_NB) != 0) throw std::runtime_error("the license is taken");
  };
  {
    px::process_pool pool({.workers = 2, .setup = take_it});
    std::vector<std::future<int>> results;
    for (int n = 0; n < 20; ++n)
      results.push_back(pool.submit(
          [](int i) {
            std::this_thread::sleep_for(20ms);
            return i;
          },
          n));
    for (int n = 0; n < 20; ++n) BOOST_TEST(results[static_cast<std::size_t>(n)].get() == n);
  }
  std::fclose(license);
}

BOOST_AUTO_TEST_CASE(a_worker_that_does_not_leave_holds_up_nobody_for_long) {
  px::process_pool pool({.workers = 1, .grace = 0s, .limits = {.recycle_after_tasks = 1}, .teardown = [] { ::pause(); }});
  auto results = submit_some(pool, 3);
  for (int n = 0; n < 3; ++n) BOOST_TEST(results[static_cast<std::size_t>(n)].get() == n * n);
}

BOOST_AUTO_TEST_CASE(nor_does_one_that_is_stopped_when_it_is_to_leave) {
  auto const stop = [](int n) {
    std::thread([] {  // when the result has been given
      std::this_thread::sleep_for(50ms);
      ::kill(::getpid(), SIGSTOP);
    }).detach();
    return n;
  };
  px::process_pool pool({.workers = 1, .grace = 0s, .limits = {.recycle_after_tasks = 1}, .teardown = [] { ::sleep(5); }});
  BOOST_TEST(pool.submit(stop, 7).get() == 7);
  BOOST_TEST(pool.submit(square, 7).get() == 49);
}

BOOST_AUTO_TEST_CASE(a_teardown_has_as_long_as_the_grace) {
  processes::own_pipe torn_down;
  {
    auto const slowly = [&] {
      std::this_thread::sleep_for(1200ms);
      (void)!::write(torn_down.write.get(), "x", 1);
    };
    px::process_pool pool({.workers = 1, .grace = 60s, .teardown = slowly});
    BOOST_TEST(pool.submit(square, 2).get() == 4);
  }
  BOOST_TEST(processes::readable(torn_down.read.get()));
}

BOOST_AUTO_TEST_CASE(how_a_worker_leaves_in_the_end_is_in_the_log) {
  for (auto const& [teardown, told] : ways) {
    endings log;
    {
      px::process_pool pool({.workers = 1, .grace = 0s, .log = std::ref(log), .teardown = teardown});
      BOOST_TEST(pool.submit(square, 3).get() == 9);
      pool.drain();  // it has not left
      BOOST_TEST(log.lines.empty());
    }
    BOOST_TEST(log.have(told), told);
    BOOST_TEST(log.lines.size() == 1);
  }
}

BOOST_AUTO_TEST_CASE(without_a_log_it_is_a_line_on_standard_error) {
  processes::own_pipe errors;
  int const before = ::dup(STDERR_FILENO);
  ::dup2(errors.write.get(), STDERR_FILENO);
  {
    px::process_pool pool({.workers = 1, .teardown = throws});
    pool.submit(square, 3).get();
  }
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  char text[1024];
  ssize_t const n = processes::readable(errors.read.get()) ? ::read(errors.read.get(), text, sizeof text) : 0;
  std::string const line(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  BOOST_TEST(line.find("threw std::runtime_error: the disk is full\n") != line.npos, line);
  BOOST_TEST(std::ranges::count(line, '\n') == 1, line);
}

BOOST_AUTO_TEST_CASE(drain_throws_once_how_a_worker_has_left_that_was_to_leave_before) {
  for (auto const& [teardown, told] : ways) {
    endings log;
    px::process_pool pool({.workers = 1, .grace = 0s, .limits = {.recycle_after_tasks = 1}, .log = std::ref(log),
                           .teardown = teardown});
    for (int n = 0; n < 2; ++n) BOOST_TEST(pool.submit(square, n).get() == n * n);
    BOOST_TEST(thrown_by([&] { pool.drain(); }) != "");
    BOOST_TEST(log.have(told), told);
    BOOST_TEST(log.lines.size() == 2);
    BOOST_TEST(thrown_by([&] { pool.drain(); }) == "");
  }
}

BOOST_AUTO_TEST_CASE(async_drain_and_a_pool_that_is_stopped_tell_the_same) {
  px::process_pool pool({.workers = 1, .teardown = throws});
  pool.submit(square, 3).get();
  pool.stop();
  pool.async_drain([] {});  // does not hear it
  BOOST_TEST(thrown_by([&] { pool.drain(); }) == "the disk is full");

  px::process_pool other({.workers = 1, .limits = {.recycle_after_tasks = 1}, .teardown = throws});
  other.submit(square, 3).get();
  BOOST_TEST(thrown_by([&] { other.async_drain(boost::asio::use_future).get(); }) == "the disk is full");
}

BOOST_AUTO_TEST_CASE(join_throws_how_the_workers_of_a_queue_have_left) {
  for (auto const& [teardown, told] : ways) {
    endings log;
    px::parallel_queue<int> queue({.workers = 1, .grace = 0s, .log = std::ref(log), .teardown = teardown});
    queue.put(square, 3);
    queue.stop();
    BOOST_TEST(queue.get() == 9);
    BOOST_TEST(thrown_by([&] { queue.join(); }) != "");
    BOOST_TEST(log.have(told), told);
    queue.join();
  }
  px::parallel_queue<int> queue({.workers = 1, .teardown = throws});
  queue.put(square, 3);
  queue.stop();
  BOOST_TEST(thrown_by([&] { queue.async_join(boost::asio::use_future).get(); }) == "the disk is full");
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_killed_before_its_teardown_is_told_of) {
  endings log;
  {
    px::process_pool pool({.workers = 1, .log = std::ref(log), .teardown = [] {}});
    pid_t const worker = pool.submit([] { return ::getpid(); }).get();
    ::kill(worker, SIGKILL);
    BOOST_TEST(pool.submit(square, 3).get() == 9);
  }
  BOOST_TEST(log.have("killed by SIGKILL"));
}

BOOST_AUTO_TEST_CASE(nothing_is_told_of_workers_that_leave_as_they_should) {
  endings log;
  px::process_pool pool({.workers = 2, .limits = {.recycle_after_tasks = 3}, .log = std::ref(log), .teardown = [] {}});
  for (auto& result : submit_some(pool, 20)) result.get();
  BOOST_TEST(thrown_by([&] { pool.drain(); }) == "");
  pool.stop();
  BOOST_TEST(thrown_by([&] { pool.drain(); }) == "");
  BOOST_TEST(log.lines.empty());
}

BOOST_AUTO_TEST_SUITE_END()
