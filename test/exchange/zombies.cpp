#define BOOST_TEST_MODULE zombies
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

// What has ended is reaped though its queue, map, exchange or pool is still there, and nobody uses it.

namespace px = procx;
using namespace std::chrono_literals;

namespace {

bool is_zombie(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  auto const end = line.rfind(") ");
  return end != std::string::npos && line[end + 2] == 'Z';
}

std::size_t zombies_below(pid_t parent) {
  std::size_t count = 0;
  for (pid_t const child : observe::children_of(parent)) count += is_zombie(child) + zombies_below(child);
  return count;
}

int square(int n) { return n * n; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(zombies, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_queue_that_is_through_has_none) {
  for (bool const reuse : {false, true}) {
    px::queue<int> q({.limit = 3, .reuse = reuse});
    for (int round = 0; round < 2; ++round) {
      for (int n = 0; n < 10; ++n) q.start(px::make_reusable(square), n);
      for (int n = 0; n < 10; ++n) BOOST_TEST(q.next().has_value());  // nobody asks for more
      BOOST_TEST(zombies_below(::getpid()) == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(nor_has_a_map) {
  px::map<int> m({.limit = 3});
  m(px::make_parallel(square), std::vector<int>{1, 2, 3, 4, 5});
  int sum = 0;
  for (int const n : m) sum += n;
  BOOST_TEST(sum == 55);
  BOOST_TEST(zombies_below(::getpid()) == 0u);
}

BOOST_AUTO_TEST_CASE(nor_has_an_exchange_whose_channels_are_looked_after_by_its_owner) {
  px::exchange e;
  for (int n = 0; n < 5; ++n) e.start(px::make_parallel(square), n);
  int sum = 0;
  while (e.unfinished())
    for (px::channel& ch : e.ready())
      if (auto const v = ch.try_receive<int>()) sum += *v;
  BOOST_TEST(sum == 30);
  BOOST_TEST(zombies_below(::getpid()) == 0u);
}

BOOST_AUTO_TEST_CASE(nor_has_a_queue_on_an_executor) {
  boost::asio::io_context io;
  px::queue<int> q(io, {.limit = 2});
  for (int n = 0; n < 6; ++n) q.start(px::make_parallel(square), n);
  q.async_finish([](std::exception_ptr) {});
  io.run();
  BOOST_TEST(zombies_below(::getpid()) == 0u);
  BOOST_TEST(q.size() == 6u);
}

BOOST_AUTO_TEST_CASE(a_process_that_takes_its_time_to_leave_is_reaped_by_whoever_looks_next) {
  observe::gate const door;
  px::queue<int> q;
  q.start([&](px::channel& up) {
    up.send(1);
    door.wait();
  });
  BOOST_TEST(*q.next() == 1);
  std::vector<pid_t> const there = observe::children_of(::getpid());
  door.open();
  for (pid_t const pid : there) BOOST_TEST(observe::has_ended(pid));
  BOOST_TEST(!q.next());
  BOOST_TEST(zombies_below(::getpid()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_pool_whose_workers_or_nursery_were_killed_has_none) {
  px::process_pool pool({.workers = 2});
  BOOST_TEST(pool.submit(square, 3).get() == 9);
  for (pid_t const nursery : observe::children_of(::getpid()))
    for (pid_t const worker : observe::children_of(nursery)) {
      ::kill(worker, SIGKILL);
      BOOST_TEST(observe::has_ended(worker));
    }
  while (zombies_below(::getpid()) > 0) ::usleep(1000);  // the nursery reaps them, whoever waits
  BOOST_TEST(pool.submit(square, 4).get() == 16);
}

BOOST_AUTO_TEST_SUITE_END()
