#define BOOST_TEST_MODULE exchange
#include "channel/channel_core.hpp"
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

void echo(px::channel& up) {
  for (;;) up.send(up.receive<int>());
}

px::channel started_echo() { return px::start(echo); }

struct total : px::exchange {
  using px::exchange::exchange;
  long sum = 0;
  std::vector<std::size_t> failed;
  std::vector<std::string> reasons;

  void store_data(px::channel& from) override {
    try {
      sum += from.receive<int>();
    } catch (px::error const& e) {
      failed.push_back(index_of(from));
      reasons.emplace_back(e.what());
    }
  }
  void store_end(px::channel& from) override {
    failed.push_back(index_of(from));
    reasons.emplace_back("ended");
  }
};

int square(int n) { return n * n; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(exchange, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(nothing_is_active_and_nothing_comes_from_an_empty_exchange) {
  px::exchange e;
  BOOST_TEST(e.active().empty());
  BOOST_TEST(e.removed().empty());
  BOOST_TEST(e.waiting() == 0u);
  BOOST_TEST(!e.unfinished());
  BOOST_TEST(!e.busy());
  BOOST_TEST(e.ready().empty());
  BOOST_TEST(e.ready(1h).empty());
  BOOST_TEST(!e.store(1h));
  e.start_waiting();
  e.wait();
  e.finish();
}

BOOST_AUTO_TEST_CASE(ready_tells_the_channels_that_have_something_and_waits_no_longer_than_it_is_told) {
  std::vector<px::channel> channels;
  channels.push_back(started_echo());
  channels.push_back(started_echo());
  px::exchange e(std::move(channels));
  BOOST_TEST(e.active().size() == 2u);
  BOOST_TEST(e.ready(0ms).empty());
  auto const began = std::chrono::steady_clock::now();
  BOOST_TEST(e.ready(20ms).empty());
  BOOST_TEST((std::chrono::steady_clock::now() - began >= 20ms));

  px::channel& second = e.active()[1];
  second.send(7);
  auto const ready = e.ready();
  BOOST_REQUIRE(ready.size() == 1u);
  BOOST_TEST(&ready[0].get() == &second);
  BOOST_TEST(e.ready().size() == 1u);  // nobody has taken it as yet
  BOOST_TEST(second.receive<int>() == 7);
  BOOST_TEST(e.ready(0ms).empty());
}

BOOST_AUTO_TEST_CASE(who_asks_again_and_again_without_waiting_sees_what_has_arrived) {
  px::exchange e;
  e.add(px::start([](px::channel& up) { up.send(1); }));
  while (e.ready(0ns).empty()) continue;
  px::queue<int> q;
  q.start(px::make_parallel([](int n) { return n; }), 5);
  while (!q.store(0ns)) continue;
  BOOST_TEST(*q.begin() == 5);
}

BOOST_AUTO_TEST_CASE(one_that_nobody_takes_from_hides_no_other) {
  px::exchange e({.autoclose = false});
  e.add(px::start([](px::channel&) {}));
  e.add(px::start([](px::channel& up) { up.send(1); }));
  BOOST_TEST(!e.ready().empty());
  px::channel& late = e.add(started_echo());
  late.send(42);
  auto const is_told = [&] {
    for (px::channel& ch : e.ready())
      if (&ch == &late) return true;
    return false;
  };
  while (!is_told()) continue;
  BOOST_TEST(late.receive<int>() == 42);
}

BOOST_AUTO_TEST_CASE(several_values_of_one_channel_are_told_one_after_the_other) {
  px::exchange e;
  px::channel& ch = e.add(px::start([](px::channel& up) {
    for (int i = 0; i < 3; ++i) up.send(i);
  }));
  for (int i = 0; i < 3; ++i) {
    BOOST_REQUIRE(e.ready().size() == 1u);
    BOOST_TEST(ch.receive<int>() == i);
  }
  BOOST_TEST(e.ready().empty());
  BOOST_TEST(e.removed().size() == 1u);
  BOOST_TEST(e.active().empty());
}

BOOST_AUTO_TEST_CASE(a_channel_that_has_ended_leaves_by_itself_and_is_told_of_once) {
  px::exchange e;
  e.add(px::start([](px::channel&) {}));
  pid_t const pid = e.active()[0].get().pid();
  BOOST_TEST(e.ready().empty());
  BOOST_REQUIRE(e.removed().size() == 1u);
  BOOST_TEST(e.removed()[0].get().pid() == pid);
  BOOST_TEST(!e.unfinished());
  BOOST_TEST(e.ready().empty());
  BOOST_TEST(e.removed().empty());
}

BOOST_AUTO_TEST_CASE(without_autoclose_it_stays_until_it_is_removed) {
  px::exchange e({.autoclose = false});
  px::channel& ch = e.add(px::start([](px::channel&) {}));
  for (int i = 0; i < 3; ++i) {
    BOOST_REQUIRE(e.ready().size() == 1u);
    BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
    BOOST_TEST(e.active().size() == 1u);
  }
  px::channel own = e.remove(ch);
  BOOST_TEST(own.wait().success());
  BOOST_TEST(!e.unfinished());
}

BOOST_AUTO_TEST_CASE(a_channel_taken_out_goes_on_outside) {
  px::exchange e;
  px::channel& ch = e.add(started_echo());
  ch.send(1);
  BOOST_TEST(e.ready().size() == 1u);
  px::channel own = e.remove(ch);
  BOOST_TEST(!e.unfinished());
  BOOST_TEST(own.receive<int>() == 1);
  own.send(2);
  BOOST_TEST(own.receive<int>() == 2);
  BOOST_TEST(own.wait().success());
  BOOST_CHECK_THROW(e.remove(own), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(death_is_told_by_ready_and_thrown_by_receive) {
  px::exchange e;
  e.add(px::start([](px::channel&) { ::raise(SIGKILL); }));
  auto const ready = e.ready();
  BOOST_REQUIRE(ready.size() == 1u);
  BOOST_CHECK_EXCEPTION(ready[0].get().receive<int>(), px::process_died,
                        [](auto const& died) { return died.status().signal() == SIGKILL; });
  BOOST_TEST(!e.unfinished());
}

BOOST_AUTO_TEST_CASE(start_returns_at_once_and_what_exceeds_the_limit_waits) {
  for (int const limit : {1, 2, 11}) {
    gate held;
    total t({.limit = limit});
    for (int i = 0; i < 30; ++i)
      t.start([&](px::channel& up, int n) {
        held.wait();
        up.send(n);
      }, i);
    BOOST_TEST(t.active().size() == static_cast<std::size_t>(limit));
    BOOST_TEST(t.waiting() == static_cast<std::size_t>(30 - limit));
    BOOST_TEST(t.busy());
    BOOST_TEST(t.unfinished());
    BOOST_TEST(!t.store(0ms));
    held.open();
    t.finish();
    BOOST_TEST(t.sum == 435);
    BOOST_TEST(t.active().empty());
    BOOST_TEST(!t.busy());
  }
}

BOOST_AUTO_TEST_CASE(ten_thousand_waiting_tasks_are_cheap) {
  gate held;
  total t({.limit = 1});
  auto const began = std::chrono::steady_clock::now();
  t.start([&](px::channel&) { held.wait(); });
  for (int i = 0; i < 10'000; ++i) t.start(px::make_parallel(square), i);
  BOOST_TEST(t.waiting() == 10'000u);
  BOOST_TEST(t.active().size() == 1u);
  BOOST_TEST((std::chrono::steady_clock::now() - began < 1s));
}

BOOST_AUTO_TEST_CASE(tasks_start_in_the_order_in_which_they_were_given) {
  for (std::size_t const limit : {1u, 2u, 11u}) {
    struct beginnings : px::exchange {
      using px::exchange::exchange;
      std::set<std::size_t> begun;
      void store_data(px::channel& from) override { begun.insert(from.receive<std::size_t>()); }
    } e({.limit = static_cast<int>(limit), .continuous = true});
    std::deque<gate> gates(20);
    for (std::size_t i = 0; i < gates.size(); ++i)
      e.start([&](px::channel& up, std::size_t n) {
        up.send(n);
        gates[n].wait();
      }, i);
    for (std::size_t i = 0; i < gates.size(); ++i) {
      std::size_t const expected = std::min(i + limit, gates.size());
      while (e.begun.size() < expected) e.store();
      BOOST_TEST(e.begun.size() == expected);
      BOOST_TEST(*e.begun.rbegin() == expected - 1);
      gates[i].open();
    }
    e.finish();
  }
}

BOOST_AUTO_TEST_CASE(create_waits_for_room_and_goes_on_in_both_processes) {
  total t({.limit = 2});
  for (int i = 1; i <= 6; ++i) {
    if (auto up = t.create()) {
      up->send(i);
      px::exit(*up);
    }
    BOOST_TEST(t.active().size() <= 2u);
  }
  t.finish();
  BOOST_TEST(t.sum == 21);
}

BOOST_AUTO_TEST_CASE(add_takes_any_channel_and_add_wait_waits_for_room) {
  total t({.limit = 1});
  t.add(px::start([](px::channel& up) { up.send(1); }));
  t.add(px::start([](px::channel& up) { up.send(2); }));
  BOOST_TEST(t.active().size() == 2u);
  BOOST_TEST(t.busy());
  t.add_wait(px::start([](px::channel& up) { up.send(4); }));
  BOOST_TEST(t.active().size() == 1u);
  BOOST_TEST(t.sum == 3);
  t.finish();
  BOOST_TEST(t.sum == 7);
}

BOOST_AUTO_TEST_CASE(wait_returns_when_another_process_has_room) {
  gate first, others;
  total t({.limit = 2});
  t.start([&](px::channel& up) { first.wait(), up.send(1); });
  t.start([&](px::channel& up) { others.wait(), up.send(2); });
  BOOST_TEST(t.busy());
  first.open();
  t.wait();
  BOOST_TEST(!t.busy());
  BOOST_TEST(t.sum == 1);
  others.open();
  t.finish();
  BOOST_TEST(t.sum == 3);
}

BOOST_AUTO_TEST_CASE(store_takes_what_is_there_and_gives_up_in_time) {
  gate held;
  total t;
  t.start([&](px::channel& up) {
    held.wait();
    up.send(5);
  });
  BOOST_TEST(!t.store(10ms));
  BOOST_TEST(t.sum == 0);
  held.open();
  BOOST_TEST(t.store());
  BOOST_TEST(t.sum == 5);
  BOOST_TEST(!t.unfinished());
  BOOST_TEST(!t.store());
}

BOOST_AUTO_TEST_CASE(a_continuous_channel_is_stored_from_until_it_ends) {
  total t({.limit = 2, .continuous = true});
  for (int i = 0; i < 5; ++i)
    t.start([](px::channel& up, int n) {
      for (int k = 0; k < 100; ++k) up.send(n);
    }, i);
  t.finish();
  BOOST_TEST(t.sum == 1000);
  BOOST_TEST(t.failed.empty());
}

BOOST_AUTO_TEST_CASE(a_managed_callable_is_started_by_calling_it) {
  int const offset = 100;
  total t({.limit = 2});
  auto const f = t.manage(px::make_parallel([&](int n) { return n + offset; }));
  auto const g = t.manage([](px::channel& up, int a, int b) { up.send(a * b); });
  f(1);
  g(2, 3);
  f(4);
  t.finish();
  BOOST_TEST(t.sum == 101 + 6 + 104);
}

BOOST_AUTO_TEST_CASE(a_task_can_be_started_while_another_one_is_stored) {
  struct chain : px::exchange {
    using px::exchange::exchange;
    int last = 0;
    void store_data(px::channel& from) override {
      last = from.receive<int>();
      if (last < 10) start(px::make_parallel([](int n) { return n + 1; }), last);
    }
  } c({.limit = 1});
  c.start(px::make_parallel(square), 0);
  c.finish();
  BOOST_TEST(c.last == 10);
}

BOOST_AUTO_TEST_CASE(a_channel_can_be_taken_out_while_it_is_stored_from) {
  struct taker : px::exchange {
    std::optional<px::channel> taken;
    void store_data(px::channel& from) override {
      from.receive<int>();
      taken = remove(from);
    }
  } t;
  t.start([](px::channel& up) {
    up.send(1);
    up.send(up.receive<int>() + 1);
  });
  t.finish();
  BOOST_REQUIRE(t.taken);
  t.taken->send(1);
  BOOST_TEST(t.taken->receive<int>() == 2);
  BOOST_TEST(t.taken->wait().success());
}

BOOST_AUTO_TEST_CASE(what_escapes_from_storing_comes_out_of_finish_and_the_rest_goes_on) {
  struct picky : px::exchange {
    using px::exchange::exchange;
    std::vector<int> got;
    void store_data(px::channel& from) override {
      int const n = from.receive<int>();
      if (n % 2) throw std::range_error("odd");
      got.push_back(n);
    }
  };
  for (bool const reuse : {false, true}) {
    picky p({.limit = 2, .reuse = reuse});
    for (int i = 0; i < 40; ++i) p.start(px::make_reusable([](int n) { return n; }), i);
    int escaped = 0;
    while (p.unfinished()) try {
        p.finish();
      } catch (std::range_error const&) {
        ++escaped;
      }
    BOOST_TEST(escaped == 20);
    BOOST_TEST(p.got.size() == 20u);
  }
}

BOOST_AUTO_TEST_CASE(an_exchange_that_does_not_say_how_to_store_says_so) {
  px::exchange e;
  e.start(px::make_parallel(square), 2);
  BOOST_CHECK_THROW(e.finish(), px::sequence_error);
  BOOST_TEST(!e.unfinished());
}

BOOST_AUTO_TEST_CASE(to_reuse_processes_and_to_be_continuous_contradict_each_other) {
  BOOST_CHECK_THROW(px::exchange({.reuse = true, .continuous = true}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(an_exchange_destroyed_with_work_under_way_ends_its_processes) {
  std::vector<pid_t> pids;
  gate held;
  {
    total t({.limit = 11});
    for (int i = 0; i < 30; ++i) t.start([&](px::channel&) { held.wait(); });
    for (px::channel& ch : t.active()) pids.push_back(ch.pid());
  }
  BOOST_TEST(pids.size() == 11u);
  for (pid_t const pid : pids) BOOST_TEST((::kill(pid, 0) == -1 && errno == ESRCH));
}

BOOST_AUTO_TEST_CASE(a_thousand_channels_are_watched_at_once) {
  // Their other ends are in this process: it is about channels, not about how many processes the machine can take.
  total t({.continuous = true});
  std::vector<px::channel> others;
  for (int i = 0; i < 1000; ++i) {
    auto ends = px::detail::make_endpoints(px::transport::pipe, px::detail::default_frame_limit);
    others.emplace_back(std::make_unique<px::detail::channel_core>(std::move(ends.there), false));
    t.add(px::channel(std::make_unique<px::detail::channel_core>(std::move(ends.here), px::process(), false)));
  }
  BOOST_TEST(t.active().size() == 1000u);
  BOOST_TEST(t.ready(0ms).empty());
  for (int const i : {999, 0, 500}) others[static_cast<std::size_t>(i)].send(i);
  while (t.sum < 1499) t.store();
  BOOST_TEST(t.sum == 1499);
  for (px::channel& ch : others) ch.send(1);
  others.clear();
  t.finish();
  BOOST_TEST(t.sum == 2499);
  BOOST_TEST(t.failed.empty());
}

BOOST_AUTO_TEST_CASE(a_hundred_processes_are_watched_at_once) {
  gate held;
  total t;
  for (int i = 0; i < 100; ++i)
    t.start([&](px::channel& up, int n) {
      held.wait();
      up.send(n);
    }, i);
  BOOST_TEST(t.active().size() == 100u);
  held.open();
  t.finish();
  BOOST_TEST(t.sum == 4950);
}

BOOST_AUTO_TEST_CASE(a_created_process_holds_no_other_channel_open) {
  total t;
  px::channel& first = t.add(started_echo());
  pid_t const pid = first.pid();
  gate held;
  t.start([&](px::channel&) { held.wait(); });  // would keep the first one's channel open, had it inherited it
  px::channel own = t.remove(first);
  own.close();
  BOOST_TEST(own.wait().success());
  BOOST_TEST(pid != 0);
}

BOOST_AUTO_TEST_SUITE_END()
