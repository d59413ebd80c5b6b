#define BOOST_TEST_MODULE dispatcher
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <vector>

using namespace std::chrono_literals;

// How tasks are handed out and taken back.

BOOST_AUTO_TEST_SUITE(dispatcher)

using ids = std::vector<std::uint64_t>;
using sizes = std::vector<std::size_t>;

BOOST_AUTO_TEST_CASE(workers_start_on_demand_and_get_their_shares_as_far_as_their_credit_goes) {
  struct row {
    std::size_t workers;
    std::uint32_t window;
    std::size_t tasks;
    sizes gifts;  // of each worker
  };
  for (row const& r : {row{3, 4, 1, {1}}, row{3, 4, 2, {1, 1}}, row{3, 4, 7, {3, 3, 1}}, row{2, 4, 100, {4, 4}},
                       row{1, 0, 100, {2}}, row{4, 1, 3, {1, 1, 1}}}) {
    BOOST_TEST_CONTEXT(r.workers << " workers, " << r.tasks << " tasks") {
      dispatch_stage s({.workers = r.workers, .policy = {.window = r.window}});
      owner o(*s.dispatcher);
      o.add(r.tasks);
      s.pump();
      sizes gifts;
      for (std::size_t i = 0; i < s.workers.size(); ++i) {
        BOOST_TEST(s.workers[i].gifts.size() == 1u);
        gifts.push_back(s.workers[i].tasks.size());
      }
      BOOST_TEST(gifts == r.gifts);
      BOOST_TEST(s.dispatcher->workers() == r.gifts.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_worker_is_given_more_when_half_its_credit_is_done) {
  dispatch_stage s({.policy = {.window = 4}});
  owner o(*s.dispatcher);
  o.add(10);
  s.pump();
  auto& w = s.workers[0];
  w.work(1);
  BOOST_TEST(w.gifts == (sizes{4}));
  w.work(1);
  BOOST_TEST(w.gifts == (sizes{4, 2}));
  BOOST_TEST(w.ids() == (ids{2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(credit_follows_what_the_tasks_take) {
  dispatch_stage s({.policy = {.work_ahead = 4ms}});
  owner o(*s.dispatcher);
  o.add(1000);
  s.pump();
  auto& w = s.workers[0];
  BOOST_TEST(w.credit == 2u);
  w.work_all(100us);
  BOOST_TEST(w.credit == 40u);
  BOOST_TEST(w.tasks.size() == 40u);
}

BOOST_AUTO_TEST_CASE(who_has_nothing_to_do_comes_before_who_has_room) {
  dispatch_stage s({.workers = 2, .policy = {.window = 4}});
  owner o(*s.dispatcher);
  o.add(8);
  s.pump();
  s.workers[0].work(2);
  s.workers[1].work_all();
  o.add(3);
  s.pump();
  BOOST_TEST(s.workers[1].ids() == (ids{8, 9}));
  BOOST_TEST(s.workers[0].ids() == (ids{2, 3, 10}));
}

BOOST_AUTO_TEST_CASE(near_the_end_of_all_tasks_nobody_takes_more_than_half_its_share) {
  dispatch_stage s({.workers = 2, .policy = {.window = 8}});
  owner o(*s.dispatcher);
  o.lane->expect_remaining(0);
  o.add(8);
  s.pump();
  BOOST_TEST(s.workers[0].ids() == (ids{0, 1}));
  BOOST_TEST(s.workers[1].ids() == (ids{2, 3}));
}

BOOST_AUTO_TEST_CASE(a_lane_says_how_much_more_would_be_of_use) {
  dispatch_stage s({.workers = 2, .policy = {.window = 4, .bytes = 1000}});
  owner o(*s.dispatcher);
  BOOST_TEST(o.lane->idle());
  BOOST_TEST(o.lane->room() == 8u);
  BOOST_TEST(o.lane->short_of_tasks());
  o.add(3);
  s.pump();
  BOOST_TEST(o.lane->room() == 5u);
  BOOST_TEST(o.lane->short_of_tasks());  // one of them has one task, and none behind it
  o.add(2);
  s.pump();
  BOOST_TEST(!o.lane->short_of_tasks());
  o.add(100);
  BOOST_TEST(o.lane->room() == 0u);
  BOOST_TEST(!o.lane->wants_more());
  BOOST_TEST(o.lane->unfinished() == 105u);
  BOOST_TEST(o.lane->unassigned() == 100u);
}

BOOST_AUTO_TEST_CASE(a_task_is_wanted_while_a_worker_would_begin_it_at_once) {
  dispatch_stage s({.workers = 2});
  owner o(*s.dispatcher);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(o.lane->wants_one());
    o.add(1);
    s.pump();
  }
  BOOST_TEST(!o.lane->wants_one());
  s.workers[1].work_all();
  BOOST_TEST(o.lane->wants_one());
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_a_frame_is_no_task) {
  dispatch_stage s({.frame_limit = 100});
  owner o(*s.dispatcher);
  BOOST_CHECK_THROW(o.add_long(101), procx::protocol_error);
  BOOST_TEST(o.lane->idle());
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
  o.added = 0;
  o.add_long(100);
  s.pump();
  s.workers[0].finish_one();
  BOOST_TEST(o.sink.end_of(0) == "value");
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
}

/// Two workers: the first has four tasks of which it has done one and begun another, the second has done all it had.
struct one_idle : dispatch_stage {
  explicit one_idle(std::chrono::nanoseconds each = 0ns, bool late = false)
      : dispatch_stage({.workers = 2, .policy = {.window = 4}}), o(*dispatcher) {
    o.add(8);
    pump();
    workers[0].recalls_late = late;
    workers[0].work(1, each);
    workers[0].begin();
    workers[1].work_all();
  }
  owner o;
};

BOOST_AUTO_TEST_CASE(an_idle_worker_gets_what_a_busy_one_has_not_begun_if_that_is_worth_it) {
  for (auto const& [each, recalled] : {std::pair(0ns, false), std::pair<std::chrono::nanoseconds, bool>(499us, false),
                                       std::pair<std::chrono::nanoseconds, bool>(500us, true)}) {
    BOOST_TEST_CONTEXT("each takes " << each.count() << " ns") {
      one_idle s(each);
      BOOST_TEST(s.workers[0].recalls == (recalled ? 1u : 0u));
      // Each gets one of the two, or the first would be next to have nothing to do.
      BOOST_TEST(s.workers[0].ids() == (recalled ? ids{1, 3} : ids{1, 2, 3}));
      BOOST_TEST(s.workers[1].ids() == (recalled ? ids{2} : ids{}));
    }
  }
}

BOOST_AUTO_TEST_CASE(behind_a_long_task_nothing_waits_while_another_worker_is_idle) {
  one_idle s;
  s.move_clock(9ms);
  BOOST_TEST(s.workers[0].recalls == 0u);
  s.move_clock(1ms);
  BOOST_TEST(s.workers[0].ids() == ids{1});
  BOOST_TEST(s.workers[1].ids() == (ids{2, 3}));
}

BOOST_AUTO_TEST_CASE(a_long_runner_is_given_nothing_before_it_is_done) {
  one_idle s;
  s.move_clock(10ms);
  s.o.add(10);
  s.pump();
  BOOST_TEST(s.workers[0].ids() == ids{1});
  BOOST_TEST(s.workers[1].tasks.size() == 4u);
  s.workers[0].work(1);
  BOOST_TEST(s.workers[0].tasks.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_long_runner_is_given_nothing_when_the_result_of_one_before_it_comes) {
  one_idle s;
  s.workers[0].leave_task();
  s.workers[0].begin();
  s.move_clock(10ms);
  BOOST_TEST(s.workers[0].ids() == (ids{1, 2}));
  s.o.add(10);
  s.workers[0].work(1);
  BOOST_TEST(s.workers[0].ids() == ids{2});
  s.workers[0].work(1);
  BOOST_TEST(s.workers[0].tasks.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_recall_may_be_answered_later_and_the_worker_gets_nothing_until_then) {
  one_idle s(0ns, true);
  s.move_clock(10ms);
  BOOST_TEST(s.workers[0].owes_recall);
  s.move_clock(10ms);
  BOOST_TEST(s.workers[0].recalls == 1u);  // it is not asked again
  s.o.add(1);
  s.pump();
  BOOST_TEST(s.workers[0].ids() == (ids{1, 2, 3}));
  BOOST_TEST(s.workers[1].ids() == ids{8});
  s.workers[0].work(1);
  s.workers[0].begin();
  BOOST_TEST(s.workers[0].ids() == (ids{2, 3}));
  s.workers[0].answer_recall();
  BOOST_TEST(s.workers[0].ids() == (ids{2, 3}));  // it is no long runner any more, and is given the rest again
  BOOST_TEST(s.workers[0].gifts.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_batch_is_closed_by_its_size_or_by_time) {
  dispatch_stage s({.workers = 1, .linger = 50ms, .policy = {.window = 4}});
  owner o(*s.dispatcher);
  o.add(3);
  s.pump();
  BOOST_TEST(s.workers[0].tasks.size() == 0u);
  o.add(1);
  s.pump();
  BOOST_TEST(s.workers[0].tasks.size() == 4u);
  s.workers[0].work(4);
  o.add(2);
  s.pump();
  s.move_clock(49ms);
  BOOST_TEST(s.workers[0].tasks.size() == 0u);
  s.move_clock(1ms);
  BOOST_TEST(s.workers[0].tasks.size() == 2u);
  s.workers[0].work(2);
  o.add(1);
  s.dispatcher->all_tasks_are_here();
  s.pump();
  BOOST_TEST(s.workers[0].tasks.size() == 1u);
  s.workers[0].work(1);
}

BOOST_AUTO_TEST_SUITE_END()
