#define BOOST_TEST_MODULE dispatcher_ends
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <boost/asio/io_context.hpp>

#include <vector>

using namespace std::chrono_literals;

// How workers leave, one by one and all together.

BOOST_AUTO_TEST_SUITE(dispatcher_ends)

using ids = std::vector<std::uint64_t>;
using words = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(a_worker_is_replaced_after_so_many_tasks) {
  for (auto const& [most, window] : {std::pair(1u, 4u), std::pair(3u, 2u), std::pair(3u, 8u), std::pair(100u, 4u)}) {
    BOOST_TEST_CONTEXT("after " << most << " tasks, window " << window) {
      dispatch_stage s({.recycle_after_tasks = most, .policy = {.window = window}});
      owner o(*s.dispatcher);
      o.add(7);
      s.pump();
      std::size_t by_this = 0;
      while (!o.lane->idle()) {
        auto& w = s.workers[s.workers.size() - 1];
        std::size_t const n = w.tasks.size();
        BOOST_TEST_REQUIRE(n > 0u);
        w.work(1);
        ++by_this;
        BOOST_TEST(w.is_retired == (by_this + w.tasks.size() >= most));
        BOOST_TEST(by_this <= most);
        if (w.tasks.empty() && w.is_retired) {
          w.leave();
          by_this = 0;
        }
      }
      BOOST_TEST(o.number_of("value") == 7u);
      BOOST_TEST(s.workers.size() == (7 + most - 1) / most);
    }
  }
}

BOOST_AUTO_TEST_CASE(tasks_that_were_taken_back_are_not_counted) {
  dispatch_stage s({.workers = 2, .recycle_after_tasks = 6, .policy = {.window = 4}});
  owner o(*s.dispatcher);
  o.add(6);
  s.pump();
  auto& w = s.workers[0];
  w.begin();
  s.workers[1].work_all();
  s.move_clock(10ms);  // 1 and 2 go to the other one
  BOOST_TEST(w.ids() == ids{0});
  w.work(1);
  s.workers[1].work_all();
  o.add(8);
  s.pump();
  BOOST_TEST(w.tasks.size() == 4u);
  BOOST_TEST(!w.is_retired);  // five it has had, not seven
  BOOST_TEST(s.workers[1].tasks.size() == 1u);
  BOOST_TEST(s.workers[1].is_retired);
}

BOOST_AUTO_TEST_CASE(of_idle_workers_those_above_the_limit_leave) {
  dispatch_stage s({.workers = 4, .policy = {.window = 1}});
  owner o(*s.dispatcher);
  o.add(4);
  s.pump();
  for (std::size_t i : {1u, 2u, 3u}) s.workers[i].work_all();
  s.dispatcher->set_limit(3);
  s.pump();
  BOOST_TEST(s.dispatcher->leaving() == 1u);
  s.pump();
  BOOST_TEST(s.dispatcher->leaving() == 1u);
  s.dispatcher->set_limit(0);
  s.pump();
  BOOST_TEST(s.dispatcher->leaving() == 3u);  // not the one that works
  BOOST_TEST(!s.workers[0].is_retired);
  s.workers[0].work_all();
  BOOST_TEST(s.dispatcher->leaving() == 4u);
  for (std::size_t i = 0; i < 4; ++i) s.workers[i].leave();
  BOOST_TEST(s.dispatcher->workers() == 0u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_worn_out_does_its_tasks_and_gets_no_others) {
  dispatch_stage s({.policy = {.window = 2}});
  owner o(*s.dispatcher);
  o.add(4);
  s.pump();
  s.workers[0].wear_out();
  s.workers[0].work_all();
  BOOST_TEST(s.workers[0].is_retired);
  BOOST_TEST(s.workers[0].tasks.empty());
  BOOST_TEST(s.workers.size() == 1u);  // there is one place, and it is not free yet
  s.workers[0].leave();
  BOOST_TEST(s.workers[1].ids() == (ids{2, 3}));
}

BOOST_AUTO_TEST_CASE(a_worker_that_does_not_know_what_is_called_makes_room_for_one_that_does) {
  dispatch_stage s({.policy = {.window = 2}});
  s.workers.prepare_worker = [&](scripted_worker& w) { w.knows = s.workers.size() == 1 ? 1 : 2; };
  owner o(*s.dispatcher);
  o.add(1, {.callable = 0});
  o.add(2, {.callable = 1});
  s.pump();
  BOOST_TEST(s.workers[0].ids() == ids{0});
  BOOST_TEST(!s.workers[0].is_retired);
  s.workers[0].work_all();
  BOOST_TEST(s.workers[0].is_retired);
  BOOST_TEST(s.workers[0].tasks.empty());
  s.workers[0].leave();
  BOOST_TEST(s.workers[1].ids() == (ids{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_to_leave_and_stays_is_ended_after_the_grace_or_a_second) {
  for (auto const& [grace, patience] : {std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>(0s, 1s),
                                        std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>(500ms, 1s),
                                        std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>(3s, 3s)}) {
    BOOST_TEST_CONTEXT("grace " << grace.count()) {
      dispatch_stage s({.grace = grace, .policy = {.window = 1}});
      owner o(*s.dispatcher);
      o.add(1);
      s.pump();
      s.workers[0].wear_out();
      s.move_clock(1h);  // it works
      s.workers[0].work_all();
      s.move_clock(patience - 1ns);
      BOOST_TEST(s.workers[0].ends_now == 0u);
      s.dispatcher->tick(s.workers.now, 2ns);  // nobody has looked for so long
      s.move_clock(1ns);
      BOOST_TEST(s.workers[0].ends_now == 0u);
      s.move_clock(2ns);
      BOOST_TEST(s.workers[0].ends_now == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(workers_that_have_been_idle_for_long_leave) {
  dispatch_stage s({.workers = 2, .idle_timeout = 1ns, .policy = {.window = 1}});
  owner o(*s.dispatcher);
  o.add(2);
  s.dispatcher->pump();
  s.workers[0].work_all();
  s.workers.now += 1s;
  s.loop.run_until([&] { return s.workers[0].is_retired; });
  BOOST_TEST(!s.workers[1].is_retired);
}

BOOST_AUTO_TEST_CASE(on_a_loop_that_is_to_run_out_of_work_idle_workers_rest) {
  boost::asio::io_context io;
  dispatch_stage s({.workers = 2, .policy = {.window = 1}}, procx::detail::event_loop(io.get_executor()));
  owner o(*s.dispatcher);
  o.add(2);
  s.dispatcher->pump();
  s.workers[0].work_all();
  io.run();
  BOOST_TEST(s.workers[0].rests == 0u);  // one of them works
  s.workers[1].work_all();
  BOOST_TEST(s.workers[0].rests == 0u);  // in a handler of its own
  io.restart();
  io.run();
  BOOST_TEST(s.workers[0].rests == 1u);
  BOOST_TEST(s.workers[1].rests == 1u);
  BOOST_TEST(s.workers.rests == 1u);
}

/// Three workers: one works, one is idle, one is to leave; and an order without an answer.
struct about_to_stop : dispatch_stage {
  explicit about_to_stop(std::chrono::nanoseconds grace = 3s, words* lines = nullptr)
      : dispatch_stage({.workers = 4,
                        .log = lines ? procx::log_sink([=](procx::log_line const& l) { lines->emplace_back(l.text); }) : nullptr,
                        .grace = grace,
                        .policy = {.window = 2}}),
        o(*dispatcher) {
    o.add(3);
    pump();
    workers[1].work_all();
    workers[2].wear_out();
    workers[2].work_all();
    workers.answers_late = true;
    o.add(2);
    pump();
    workers[1].work_all();
    BOOST_TEST_REQUIRE(workers.waiting == 1u);
    BOOST_TEST_REQUIRE(workers[0].tasks.size() > 0u);
    BOOST_TEST_REQUIRE(workers[1].tasks.size() == 0u);
    workers[0].begin();
    o.sink.take_log();
  }
  void stop() {
    dispatcher->stop([this] { ++told; });
  }
  owner o;
  int told = 0;
};

BOOST_AUTO_TEST_CASE(who_stops_the_dispatcher_is_told_when_all_workers_and_their_source_have_gone) {
  about_to_stop s;
  s.workers.shuts_late = true;
  s.stop();
  BOOST_CHECK(s.workers[0].end_grace == 3s);
  BOOST_TEST(s.workers[1].is_retired);
  BOOST_TEST(!s.workers[1].end_grace);
  s.workers[1].leave();
  s.workers[2].leave();
  BOOST_TEST(!s.workers.is_shut);
  s.workers[0].finish_series(1);
  s.workers[0].end({.at_task = true});
  BOOST_TEST(s.workers.is_shut);
  BOOST_TEST(s.told == 0);
  s.workers.finish_shutting();
  BOOST_TEST(s.told == 1);
  BOOST_TEST(s.dispatcher->idle());
  BOOST_TEST(s.o.lane->idle());
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
  BOOST_TEST(s.o.sink.log.empty());  // what came later is dropped, and nothing is tried again
}

BOOST_AUTO_TEST_CASE(nothing_is_heard_of_what_comes_after_the_stop) {
  about_to_stop s;
  s.o.add(2);
  s.stop();
  s.workers[0].give_parts("late");
  s.workers[0].give_message(1, "late");
  s.workers[0].fail();
  s.workers[0].turn_over();
  s.workers[0].recalls_late = true;
  s.move_clock(1ms);
  s.pump();
  for (std::size_t i : {0u, 1u, 2u}) s.workers[i].leave();
  BOOST_TEST(s.told == 1);
  BOOST_TEST(s.o.sink.log.empty());
  BOOST_TEST(s.workers.orders == 4u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_comes_after_the_stop_is_to_leave_and_is_waited_for) {
  about_to_stop s;
  s.stop();
  s.workers.answer();
  BOOST_TEST_REQUIRE(s.workers.size() == 4u);
  BOOST_TEST(s.workers[3].is_retired);
  BOOST_TEST(s.workers[3].tasks.empty());
  for (std::size_t i : {0u, 1u, 2u}) s.workers[i].leave();
  BOOST_TEST(s.told == 0);
  s.move_clock(3s);
  BOOST_TEST(s.workers[3].ends_now == 1u);
  s.workers[3].leave();
  BOOST_TEST(s.told == 1);
}

BOOST_AUTO_TEST_CASE(without_workers_the_end_is_told_at_once_and_may_be_the_dispatchers) {
  dispatch_stage s;
  bool told = false;
  s.dispatcher->stop([&] {
    told = true;
    s.dispatcher.reset();
  });
  BOOST_TEST(told);
  BOOST_TEST(s.workers.is_gone);
}

BOOST_AUTO_TEST_CASE(when_all_are_to_leave_each_has_its_time) {
  for (auto const& [grace, idle_patience] : {std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>(100ms, 1s),
                                             std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>(3s, 3s)}) {
    about_to_stop s(grace);
    s.stop();
    std::chrono::nanoseconds at{0};
    auto const ended_at = [&](std::chrono::nanoseconds when) {
      s.move_clock(when - at);
      at = when;
      return std::vector<bool>{s.workers[0].ends_now > 0, s.workers[1].ends_now > 0, s.workers[2].ends_now > 0};
    };
    BOOST_TEST(ended_at(grace - 1ns) == (std::vector<bool>{false, false, false}));
    bool const all = grace == idle_patience;
    BOOST_TEST(ended_at(grace) == (std::vector<bool>{true, all, all}));
    BOOST_TEST(ended_at(std::max(grace, idle_patience - 1ns)) == (std::vector<bool>{true, all, all}));
    BOOST_TEST(ended_at(idle_patience) == (std::vector<bool>{true, true, true}));
    for (std::size_t i : {0u, 1u, 2u}) s.workers[i].end({.overstayed = true});
    BOOST_TEST(s.told == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_stop_that_blocks_ends_those_that_stay) {
  words lines;
  about_to_stop s(3s, &lines);
  s.workers[0].stays = true;
  s.workers[2].stays = true;
  s.workers[2].leaves_with.left_badly = true;
  s.dispatcher->stop();
  BOOST_TEST(s.workers[0].ends_now == 1u);
  BOOST_TEST(s.workers[1].ends_now == 0u);
  BOOST_TEST(s.workers[2].ends_now == 1u);
  BOOST_TEST(s.workers.alive() == 0u);
  BOOST_TEST(s.workers.is_shut);
  BOOST_TEST(s.dispatcher->idle());
  BOOST_TEST(lines == words{"worker 2 (process 1002) was to leave, and was killed because it had not done so in time"});
  BOOST_TEST(s.o.sink.log.empty());
  s.dispatcher->stop();  // once more is nothing
}

BOOST_AUTO_TEST_CASE(what_is_not_told_by_the_time_of_a_stop_that_blocks_is_never_told) {
  about_to_stop s;
  s.o.add(1);
  s.o.lane->cancel(s.o.added - 1, procx::detail::dispatcher::cancellation::drop);
  s.stop();
  s.dispatcher->stop();
  s.loop.poll();
  BOOST_TEST(s.told == 0);
  BOOST_TEST(s.o.sink.log.empty());
  BOOST_TEST(s.o.lane->idle());
}

BOOST_AUTO_TEST_CASE(the_end_of_the_dispatcher_is_that_of_its_workers) {
  scripted_workers workers;
  procx::detail::event_loop loop;
  {
    procx::detail::dispatcher d(loop, {.now = [&] { return workers.now; }}, std::make_shared<procx::detail::callable_table>(),
                                workers.source());
    owner o(d);
    o.add(3);
    d.pump();
    BOOST_TEST(d.busy_workers().size() == 1u);
    BOOST_TEST(d.busy_workers()[0].process == 1000);
  }
  loop.poll();
  BOOST_TEST(workers.is_gone);
  BOOST_TEST(workers[0].is_gone);
}

BOOST_AUTO_TEST_SUITE_END()
