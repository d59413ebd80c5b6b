#define BOOST_TEST_MODULE setup_and_teardown
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }

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

BOOST_AUTO_TEST_SUITE_END()
