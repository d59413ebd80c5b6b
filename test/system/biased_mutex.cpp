#define BOOST_TEST_MODULE biased_mutex
#include <procx/detail/system/biased_mutex.hpp>

#include "support/observe.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using procx::detail::biased_mutex;

namespace {

/// Uses it often enough for it to become this thread's.
void make_mine(biased_mutex& m) {
  for (int i = 0; i < 1000; ++i) std::lock_guard const lock(m);
}

bool enters(biased_mutex& m) {
  bool const mine = m.try_enter();
  if (mine) m.leave();
  return mine;
}

bool system_has_barriers() {
  biased_mutex m;
  make_mine(m);
  return enters(m);
}

/// Two words that are only ever different while somebody is inside.
struct guarded {
  biased_mutex mutex;
  std::uint64_t one = 0, other = 0;
  bool torn = false;

  void change() {
    torn = torn || one != other;
    ++one;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ++other;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(biased_mutex_, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(it_becomes_the_first_user_s_and_nobody_else_s) {
  if (!system_has_barriers()) return;
  biased_mutex m;
  BOOST_TEST(!enters(m));
  make_mine(m);
  BOOST_TEST(enters(m));
  std::thread([&] { BOOST_TEST(!enters(m)); }).join();
  BOOST_TEST(enters(m));
}

BOOST_AUTO_TEST_CASE(another_user_ends_that_for_good) {
  biased_mutex m;
  make_mine(m);
  std::thread([&] { make_mine(m); }).join();
  BOOST_TEST(!enters(m));
  make_mine(m);
  BOOST_TEST(!enters(m));
  std::thread([&] { BOOST_TEST(!enters(m)); }).join();
}

BOOST_AUTO_TEST_CASE(who_only_visits_leaves_it_to_its_owner) {
  if (!system_has_barriers()) return;
  biased_mutex m;
  make_mine(m);
  std::thread([&] {
    for (int i = 0; i < 100; ++i) biased_mutex::visit const visit(m);
  }).join();
  BOOST_TEST(enters(m));
  { biased_mutex::visit const visit(m); }  // the owner may visit as well
  BOOST_TEST(enters(m));
}

BOOST_AUTO_TEST_CASE(the_owner_stays_outside_while_somebody_visits) {
  biased_mutex m;
  make_mine(m);
  std::atomic<bool> inside = false, leave = false, left = false;
  std::thread visitor([&] {
    biased_mutex::visit const visit(m);
    inside = true;
    while (!leave) std::this_thread::yield();
    left = true;
  });
  while (!inside) std::this_thread::yield();
  BOOST_TEST(!enters(m));
  leave = true;
  {
    std::lock_guard const lock(m);
    BOOST_TEST(left.load());
  }
  visitor.join();
}

BOOST_AUTO_TEST_CASE(nobody_is_inside_with_another) {
  for (int users = 1; users <= 3; ++users)
    for (int visitors = 0; visitors <= 2; ++visitors) {
      guarded g;
      constexpr std::uint64_t uses = 200'000, visits = 2'000;
      std::vector<std::thread> threads;
      for (int i = 0; i < users; ++i)
        threads.emplace_back([&] {
          for (std::uint64_t n = 0; n < uses; ++n) {
            std::lock_guard const lock(g.mutex);
            g.change();
          }
        });
      for (int i = 0; i < visitors; ++i)
        threads.emplace_back([&] {
          for (std::uint64_t n = 0; n < visits; ++n) {
            biased_mutex::visit const visit(g.mutex);
            g.change();
          }
        });
      for (std::thread& t : threads) t.join();
      BOOST_TEST(!g.torn);
      BOOST_TEST(g.one == users * uses + visitors * visits);
      BOOST_TEST(g.other == g.one);
    }
}

BOOST_AUTO_TEST_CASE(a_user_who_comes_late_finds_the_owner_out) {
  for (int round = 0; round < 50; ++round) {
    guarded g;
    std::atomic<bool> stop = false;
    std::thread owner([&] {
      while (!stop) {
        std::lock_guard const lock(g.mutex);
        g.change();
      }
    });
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) {
      std::lock_guard const lock(g.mutex);
      g.change();
    }
    stop = true;
    owner.join();
    BOOST_REQUIRE(!g.torn);
    BOOST_REQUIRE(g.one == g.other);
  }
}

BOOST_AUTO_TEST_CASE(in_a_forked_child_it_is_nobody_s) {
  biased_mutex m;
  make_mine(m);
  pid_t const child = ::fork();
  if (child == 0) ::_exit(enters(m) ? 1 : 0);
  int status = -1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(an_owner_that_has_ended_is_no_obstacle) {
  guarded g;
  std::thread([&] { make_mine(g.mutex); }).join();
  for (int i = 0; i < 100; ++i) {
    std::lock_guard const lock(g.mutex);
    g.change();
  }
  BOOST_TEST(g.one == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
