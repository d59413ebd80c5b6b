#define BOOST_TEST_MODULE dispatcher_cancellation
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// What becomes of tasks that are cancelled.

BOOST_AUTO_TEST_SUITE(dispatcher_cancellation)

using ids = std::vector<std::uint64_t>;
using words = std::vector<std::string>;
using cancellation = procx::detail::dispatcher::cancellation;
using procx::detail::stop_how;

BOOST_AUTO_TEST_CASE(what_can_be_cancelled_and_how_depends_on_how_far_the_task_is) {
  enum place { waiting, delayed, unbegun, running, over_there, done };
  struct row {
    place where;
    std::uint64_t id;
    cancellation how;
    bool dropped;
    std::optional<stop_how> told = std::nullopt;  // the worker
  };
  constexpr auto drop = cancellation::drop, ask = cancellation::ask, kill = cancellation::kill;
  for (row const& r : {
           row{waiting, 4, drop, true}, row{waiting, 4, ask, true}, row{waiting, 4, kill, true},
           row{delayed, 0, drop, true}, row{delayed, 0, ask, true}, row{delayed, 0, kill, true},
           row{unbegun, 2, drop, true}, row{unbegun, 2, ask, true}, row{unbegun, 2, kill, true},
           row{running, 0, drop, false}, row{running, 0, ask, false, stop_how::ask},
           row{running, 0, kill, false, stop_how::kill},
           row{over_there, 0, drop, false}, row{over_there, 0, ask, false}, row{over_there, 0, kill, false},
           row{done, 0, drop, false}, row{done, 0, ask, false}, row{done, 0, kill, false},
       }) {
    BOOST_TEST_CONTEXT("place " << r.where << ", how " << static_cast<int>(r.how)) {
      dispatch_stage s({.grace = 3s, .backoff = 1s, .policy = {.window = 3, .retries = 1}});
      owner o(*s.dispatcher);
      o.add(5);
      s.pump();
      auto& w = s.workers[0];
      w.begin();
      if (r.where == over_there) w.leave_task();
      if (r.where == delayed) w.fail();
      if (r.where == done) w.work(1);
      o.sink.take_log();

      BOOST_TEST(o.lane->cancel(r.id, r.how) == r.dropped);
      s.dispatcher->pump();
      BOOST_TEST(o.sink.take_log().empty());  // the owner is told in a handler of its own
      s.loop.poll();
      auto const expected = "failure " + std::to_string(r.id) + " of no worker: cancelled";
      BOOST_TEST(o.sink.take_log() == (r.dropped ? words{expected, "progress"} : words{}));
      BOOST_TEST_REQUIRE(w.stops.size() == (r.told ? 1u : 0u));
      if (r.told) {
        BOOST_CHECK(w.stops[0].how == *r.told);
        BOOST_CHECK(w.stops[0].cause == procx::death_cause::cancellation);
        BOOST_TEST(w.stops[0].ahead == 0u);
        BOOST_CHECK(w.stops[0].grace == 3s);
      }

      while (!o.lane->idle()) {
        w.work_all();
        s.move_clock(1s);
      }
      BOOST_TEST(o.sink.order.size() == 5u);
      BOOST_TEST(o.number_of("value") == (r.dropped ? 4u : 5u));
      BOOST_TEST(!o.lane->cancel(r.id, r.how));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_comes_back_for_a_cancellation_goes_out_again_in_order) {
  dispatch_stage s({.policy = {.window = 5}});
  owner o(*s.dispatcher);
  o.add(6);
  s.pump();
  s.workers[0].begin();
  BOOST_TEST(o.lane->cancel(2, cancellation::drop));
  s.pump();
  BOOST_TEST(s.workers[0].ids() == (ids{0, 1, 3, 4, 5}));
  s.workers[0].work_all();
  BOOST_TEST(o.sink.order == (ids{2, 0, 1, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_task_whose_worker_is_ended_by_a_cancellation_is_not_tried_again) {
  dispatch_stage s({.policy = {.window = 3, .retries = 5}});
  owner o(*s.dispatcher);
  o.add(3);
  s.pump();
  s.workers[0].begin();
  o.lane->cancel(0, cancellation::kill);
  s.workers[0].die(procx::death_cause::cancellation);
  BOOST_TEST(o.sink.end_of(0) == "cancelled");
  BOOST_TEST(s.workers[1].ids() == (ids{1, 2}));
  s.workers[1].work_all();
  BOOST_TEST(o.number_of("value") == 2u);
}

/// A worker that answers recalls later has three tasks, has begun the first, and is to give up the second.
struct cancelled_later : dispatch_stage {
  explicit cancelled_later(cancellation how)
      : dispatch_stage({.policy = {.window = 3, .retries = 1}}), o(*dispatcher), w(first()) {
    BOOST_TEST(!o.lane->cancel(1, how));
    pump();
    BOOST_TEST(o.sink.end_of(1) == "");
    BOOST_TEST(w.owes_recall);
  }
  scripted_worker& first() {
    o.add(3);
    pump();
    workers[0].recalls_late = true;
    workers[0].begin();
    return workers[0];
  }
  owner o;
  scripted_worker& w;
};

BOOST_AUTO_TEST_CASE(a_cancellation_waits_for_the_answer_to_a_recall) {
  for (auto const how : {cancellation::drop, cancellation::ask, cancellation::kill}) {
    cancelled_later s(how);
    s.o.lane->cancel(1, how);  // twice is once
    s.w.answer_recall();
    s.loop.poll();
    BOOST_TEST(s.o.sink.end_of(1) == "cancelled");
    BOOST_TEST(s.w.ids() == (ids{0, 2}));
    BOOST_TEST(s.w.stops.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_task_that_has_begun_before_the_answer_is_asked_or_ended) {
  for (auto const how : {cancellation::drop, cancellation::ask, cancellation::kill}) {
    cancelled_later s(how);
    s.w.work(1);
    s.w.begin();
    s.w.answer_recall();
    s.loop.poll();
    BOOST_TEST(s.o.sink.end_of(1) == "");
    BOOST_TEST_REQUIRE(s.w.stops.size() == (how == cancellation::drop ? 0u : 1u));
    if (how != cancellation::drop) BOOST_CHECK(s.w.stops[0].how == (how == cancellation::ask ? stop_how::ask : stop_how::kill));
  }
}

BOOST_AUTO_TEST_CASE(a_task_that_is_over_before_the_answer_is_not_cancelled_nor_a_later_one_of_its_number) {
  cancelled_later s(cancellation::kill);
  s.w.work(2);
  BOOST_TEST(s.o.sink.end_of(1) == "value");
  s.o.sink.ends.erase(1);
  s.o.added = 1;
  s.o.add(1);
  s.w.begin();
  s.w.answer_recall();
  s.loop.poll();
  BOOST_TEST(s.w.ids() == (ids{2, 1}));
  BOOST_TEST(s.o.sink.end_of(1) == "");
}

BOOST_AUTO_TEST_CASE(a_task_whose_worker_dies_before_the_answer_is_cancelled) {
  cancelled_later s(cancellation::drop);
  s.w.die();
  s.loop.poll();
  BOOST_TEST(s.o.sink.end_of(1) == "cancelled");
  BOOST_TEST(s.workers[1].ids() == (ids{0, 2}));
}

BOOST_AUTO_TEST_CASE(a_task_that_throws_before_the_answer_is_cancelled_and_not_tried_again) {
  cancelled_later s(cancellation::drop);
  s.w.work(1);
  s.w.begin();
  s.w.fail();
  s.w.turn_over();
  s.loop.poll();
  BOOST_TEST(s.o.sink.end_of(1) == "cancelled");
}

BOOST_AUTO_TEST_SUITE_END()
