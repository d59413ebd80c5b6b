#define BOOST_TEST_MODULE dispatcher_lanes
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <numeric>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// Several owners of tasks, and what each is told.

BOOST_AUTO_TEST_SUITE(dispatcher_lanes)

using words = std::vector<std::string>;
using cancellation = procx::detail::dispatcher::cancellation;

/// Lets all workers work for about a millisecond, where a task of lane `i` takes `each[i]`; what each lane's tasks took.
static std::vector<double> one_round(scripted_workers& workers, std::vector<std::chrono::microseconds> const& each) {
  std::vector<double> used(each.size());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    scripted_worker& w = workers[i];
    std::chrono::microseconds took{0};
    std::size_t n = 0;
    for (; n < w.tasks.size() && took < 1ms; ++n) {
      std::uint32_t const lane = w.tasks[n].lane;
      took += each[lane];
      used[lane] += static_cast<double>(each[lane].count());
    }
    w.finish_series(n);
    w.turn_over(took);
  }
  return used;
}

BOOST_AUTO_TEST_CASE(lanes_share_the_time_of_the_workers_by_their_weights) {
  struct row {
    std::size_t workers;
    std::vector<double> weights;
    std::vector<std::chrono::microseconds> each;
  };
  for (row const& r : {
           row{1, {1, 1}, {100us, 100us}},
           row{2, {1, 3}, {100us, 100us}},
           row{2, {1, 1}, {5000us, 50us}},  // long tasks and short ones
           row{1, {1, 1}, {2000us, 10us}},
           row{3, {1, 2, 4}, {500us, 100us, 1000us}},
           row{4, {5, 1, 1}, {40us, 3000us, 20us}},
       }) {
    BOOST_TEST_CONTEXT(r.workers << " workers, first weight " << r.weights[0] << ", first task " << r.each[0].count() << " us") {
      dispatch_stage s({.workers = r.workers});
      std::deque<owner> owners;
      for (std::size_t i = 0; i < r.weights.size(); ++i) owners.emplace_back(*s.dispatcher, r.weights[i], i * 10'000'000);
      for (owner& o : owners) o.add(60'000);
      s.pump();
      for (int i = 0; i < 100; ++i) one_round(s.workers, r.each);  // until it is known what they take
      std::vector<double> used(r.weights.size());
      for (int i = 0; i < 400; ++i) {
        auto const more = one_round(s.workers, r.each);
        for (std::size_t lane = 0; lane < used.size(); ++lane) used[lane] += more[lane];
      }
      double const all_used = std::accumulate(used.begin(), used.end(), 0.0);
      double const all_weights = std::accumulate(r.weights.begin(), r.weights.end(), 0.0);
      for (std::size_t lane = 0; lane < used.size(); ++lane) {
        BOOST_TEST(owners[lane].lane->unassigned() > 0u);
        BOOST_TEST(used[lane] / all_used == r.weights[lane] / all_weights, boost::test_tools::tolerance(0.15));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_lane_with_a_million_tasks_delays_anothers_first_by_no_more_than_what_is_on_the_workers) {
  dispatch_stage s({.workers = 2});
  owner many(*s.dispatcher, 1, 10'000'000), one(*s.dispatcher);
  many.add(1'000'000);
  s.pump();
  for (int i = 0; i < 20; ++i)
    for (std::size_t w = 0; w < 2; ++w) s.workers[w].work(s.workers[w].tasks.size() / 2 + 1, 100us);
  BOOST_TEST(s.workers[0].tasks.size() > 10u);
  one.add(1);
  s.pump();
  std::size_t const ahead = s.workers[0].tasks.size();
  std::size_t const finished = many.sink.order.size();
  s.workers[0].work(ahead / 2 + 1, 100us);
  BOOST_TEST(one.lane->unassigned() == 0u);
  s.workers[0].work(ahead - ahead / 2, 100us);
  BOOST_TEST(one.sink.end_of(0) == "value");
  BOOST_TEST(many.sink.order.size() - finished <= ahead);
}

BOOST_AUTO_TEST_CASE(a_lane_that_had_nothing_to_do_does_not_save_that_up) {
  dispatch_stage s({.policy = {.window = 4}});
  owner a(*s.dispatcher, 1, 1'000'000), b(*s.dispatcher);
  a.add(1000);
  s.pump();
  for (int i = 0; i < 100; ++i) s.workers[0].work(4, 1ms);
  b.add(100);
  std::size_t turns_of_b = 0;
  for (int i = 0; i < 10; ++i) {
    s.workers[0].work(4, 1ms);
    auto const lanes = s.workers[0].lanes();
    turns_of_b += static_cast<std::size_t>(std::ranges::count(lanes, 1u));
  }
  BOOST_TEST(turns_of_b >= 15u);
  BOOST_TEST(turns_of_b <= 25u);
}

BOOST_AUTO_TEST_CASE(closing_a_lane_drops_what_waits_and_forgets_what_is_on_workers) {
  dispatch_stage s({.policy = {.window = 2}});
  owner other(*s.dispatcher, 1, 1000);
  auto gone = std::make_unique<owner>(*s.dispatcher);
  gone->add(5);
  s.pump();
  other.add(2);
  gone.reset();
  BOOST_TEST(s.dispatcher->unassigned() == 2u);
  BOOST_TEST(s.workers[0].lanes() == (std::vector<std::uint32_t>{1, 1}));
  owner fresh(*s.dispatcher, 1, 2000);
  fresh.add(1);
  s.workers[0].finish_series(1);
  s.workers[0].fail();
  BOOST_TEST(other.sink.log.empty());
  s.workers[0].turn_over();  // nobody else pumps
  BOOST_TEST(s.workers[0].tasks.size() == 2u);
  while (!s.workers[0].tasks.empty()) s.workers[0].work_all();
  BOOST_TEST(other.number_of("value") == 2u);
  BOOST_TEST(fresh.number_of("value") == 1u);
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
  BOOST_TEST(s.dispatcher->idle());
}

BOOST_AUTO_TEST_CASE(the_number_of_a_closed_lane_is_used_again_when_nothing_of_it_is_left) {
  dispatch_stage s({.policy = {.window = 2}});
  auto const number_of_new_lane = [&] {
    owner o(*s.dispatcher);
    o.add(1);
    s.dispatcher->pump();
    return s.workers[0].tasks.back().lane;
  };
  BOOST_TEST(number_of_new_lane() == 0u);
  BOOST_TEST(number_of_new_lane() == 1u);  // the first one's task is at the worker
  s.workers[0].work_all();
  owner a(*s.dispatcher), b(*s.dispatcher), c(*s.dispatcher);
  for (owner* o : {&a, &b, &c}) o->add(1);
  s.pump();
  while (!s.workers[0].tasks.empty()) {
    for (std::uint32_t const lane : s.workers[0].lanes()) BOOST_TEST(lane <= 2u);
    s.workers[0].work_all();
  }
  for (owner* o : {&a, &b, &c}) BOOST_TEST(o->sink.end_of(0) == "value");
}

/// Whatever becomes of a closed lane's tasks, the one that takes its number hears nothing of it.
BOOST_AUTO_TEST_CASE(a_lane_hears_nothing_of_one_that_had_its_number) {
  enum fate { waits, given_up, delayed, unbegun, dies, another_meant, recalled_late, throws };
  for (fate const f : {waits, given_up, delayed, unbegun, dies, another_meant, recalled_late, throws}) {
    BOOST_TEST_CONTEXT("fate " << f) {
      dispatch_stage s({.workers = f == unbegun ? 2u : 1u, .backoff = 10ms, .policy = {.window = 2, .retries = 1}});
      auto gone = std::make_unique<owner>(*s.dispatcher);
      gone->add(f == another_meant ? 1 : 4);
      s.pump();
      scripted_worker& w = s.workers[0];
      if (f == waits) w.work(2);
      if (f == given_up) gone->lane->cancel(3, cancellation::drop);
      if (f == delayed) w.fail();
      w.begin();
      if (f == recalled_late) {
        w.recalls_late = true;
        gone->lane->cancel(1, cancellation::drop);
      }
      gone.reset();
      if (f == dies) w.die();
      if (f == another_meant) w.end({.at_task = true, .another_was_meant = true});
      if (f == throws) w.fail();

      owner fresh(*s.dispatcher, 1, 1000);
      fresh.add(3);
      s.pump();
      s.move_clock(10ms);
      s.move_clock(10ms);
      if (f == recalled_late) w.answer_recall();
      while (!s.dispatcher->idle()) {
        for (std::size_t i = 0; i < s.workers.size(); ++i)
          if (!s.workers[i].is_gone) s.workers[i].work_all();
        s.move_clock(10ms);
        s.loop.poll();
      }
      BOOST_TEST(fresh.number_of("value") == 3u);
      BOOST_TEST(fresh.sink.ends.size() == 3u);
      BOOST_TEST(fresh.lane->unfinished() == 0u);
      BOOST_TEST(s.dispatcher->task_bytes() == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_comes_back_of_a_closed_lane_is_not_run) {
  dispatch_stage s({.workers = 2, .policy = {.window = 4}});
  owner stays(*s.dispatcher, 1, 1000);
  auto gone = std::make_unique<owner>(*s.dispatcher);
  gone->add(7);
  s.pump();
  stays.add(1);
  s.pump();
  s.workers[0].begin();
  s.workers[1].work(3);
  BOOST_TEST(stays.lane->unassigned() == 0u);
  s.workers[1].work_all();
  gone.reset();
  s.move_clock(10ms);
  s.workers[0].die();
  BOOST_TEST(s.dispatcher->idle());
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(progress_is_told_last_in_a_handler_and_where_there_is_news) {
  dispatch_stage s({.policy = {.window = 8, .retries = 1}});
  owner a(*s.dispatcher, 1, 1000), b(*s.dispatcher);
  a.add(2), b.add(3);
  s.pump();
  auto& w = s.workers[0];
  BOOST_TEST(w.lanes() == (std::vector<std::uint32_t>{0, 1, 0, 1, 1}));
  w.finish_series(1);
  BOOST_TEST(a.sink.take_log() == (words{"series of 1", "value 0"}));
  w.turn_over();
  BOOST_TEST(a.sink.take_log() == words{"progress"});
  BOOST_TEST(b.sink.take_log().empty());
  w.finish_one();
  w.finish_series(1);
  w.fail();
  w.turn_over();
  BOOST_TEST(a.sink.take_log() == (words{"series of 1", "value 1", "progress"}));
  BOOST_TEST(b.sink.take_log() == (words{"value 0", "retry 1", "progress"}));
  w.turn_over();
  BOOST_TEST(a.sink.take_log().empty());
  w.die();
  // There is a place for a new worker, whoever has tasks for it.
  BOOST_TEST(a.sink.take_log() == words{"progress"});
  BOOST_TEST(b.sink.take_log() == words{"progress"});
}

BOOST_AUTO_TEST_CASE(an_owner_may_close_any_lane_and_end_the_dispatcher_when_he_is_told_of_progress) {
  {
    dispatch_stage s({.policy = {.window = 4}});
    owner a(*s.dispatcher, 1, 1000);
    auto b = std::make_unique<owner>(*s.dispatcher);
    a.add(1), b->add(1);
    a.sink.then = [&] { b.reset(); };
    s.pump();
    s.workers[0].work_all();
    BOOST_TEST(a.sink.end_of(0) == "value");
  }
  dispatch_stage s({.policy = {.window = 4}});
  recording_sink a, b;
  auto of_a = std::make_unique<procx::detail::lane>(*s.dispatcher, a);
  auto of_b = std::make_unique<procx::detail::lane>(*s.dispatcher, b);
  for (auto* l : {of_a.get(), of_b.get()}) l->add_task(0, {});
  a.then = [&] {
    of_a.reset();
    of_b.reset();
    s.dispatcher.reset();
  };
  s.pump();
  s.workers[0].end({});
  BOOST_TEST(a.log == words{"progress"});
  BOOST_TEST(b.log.empty());
  BOOST_TEST(s.workers.is_gone);
}

BOOST_AUTO_TEST_CASE(a_handler_that_fails_is_told_to_all_owners) {
  dispatch_stage s;
  owner a(*s.dispatcher), b(*s.dispatcher);
  s.dispatcher->guarded([] { throw std::runtime_error("no books"); });
  BOOST_TEST(a.sink.log == words{"broken: no books"});
  BOOST_TEST(b.sink.log == words{"broken: no books"});
}

BOOST_AUTO_TEST_SUITE_END()
