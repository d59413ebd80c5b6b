#define BOOST_TEST_MODULE schedule
#include <boost/test/unit_test.hpp>

#include "dispatch/tasks/schedule.hpp"

#include "support/schedule_history.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(schedule)

using procx::detail::schedule;
using procx::detail::task_run;
using ids = std::vector<std::uint64_t>;

struct one_lane : schedule {
  explicit one_lane(settings const& s) : schedule(s) { open_lane(); }
};

static task_run task(std::uint64_t id, std::uint32_t bytes = 10) {
  return {.id = id, .length = bytes, .weight = bytes, .offset = static_cast<std::uint32_t>(id * bytes)};
}

static one_lane with_tasks(schedule::settings const& s, std::uint64_t count, std::uint32_t bytes = 10) {
  one_lane b(s);
  for (std::uint64_t t = 0; t < count; ++t) b.add(task(t, bytes));
  return b;
}

static void append(ids& to, task_run run) {
  for (; run.count > 0; run.take_front(1)) to.push_back(run.id);
}

static ids give(schedule& b, schedule::worker_id worker, std::size_t count) {
  ids given;
  b.assign(worker, count, [](task_run const&) { return true; }, [&](task_run const& run) { append(given, run); });
  return given;
}
static ids give_all(schedule& b, schedule::worker_id worker) { return give(b, worker, b.appetite(worker)); }

static ids waiting(schedule b) {
  ids all;
  while (b.pending() > 0) append(all, b.drop_front());
  return all;
}

static bool try_again(schedule& b, task_run run, schedule::failure how) {
  bool const again = b.may_try_again(run, how);
  if (again) b.put_back(run);
  return again;
}

BOOST_AUTO_TEST_CASE(tasks_are_given_in_the_order_they_came) {
  one_lane b = with_tasks({.window = 3}, 5);
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1, 2}));
  BOOST_TEST(give_all(b, 1) == (ids{3, 4}));
  BOOST_TEST(b.pending() == 0u);
  BOOST_TEST(b.in_flight() == 5u);
  BOOST_TEST(give(b, 0, 1).empty());
}

BOOST_AUTO_TEST_CASE(results_come_in_the_order_tasks_were_given) {
  one_lane b = with_tasks({.window = 3}, 3);
  b.add_worker(0);
  give_all(b, 0);
  for (std::uint64_t t = 0; t < 3; ++t) {
    BOOST_TEST(b.oldest(0)->id == t);
    BOOST_TEST(b.finished(0).id == t);
  }
  BOOST_TEST(!b.oldest(0));
  BOOST_TEST(b.in_flight() == 0u);
}

BOOST_AUTO_TEST_CASE(a_worker_is_given_more_once_half_its_window_is_done) {
  one_lane b = with_tasks({.window = 4}, 20);
  b.add_worker(0);
  std::vector<std::size_t> appetites;
  for (int i = 0; i < 5; ++i) {
    appetites.push_back(b.appetite(0));
    if (i == 0)
      give_all(b, 0);
    else
      b.finished(0);
  }
  BOOST_TEST(appetites == (std::vector<std::size_t>{4, 0, 0, 2, 3}));
}

BOOST_AUTO_TEST_CASE(a_window_of_one_gives_a_task_when_the_last_is_done) {
  one_lane b = with_tasks({.window = 1}, 2);
  b.add_worker(0);
  BOOST_TEST(give_all(b, 0) == ids{0});
  BOOST_TEST(b.appetite(0) == 0u);
  b.finished(0);
  BOOST_TEST(give_all(b, 0) == ids{1});
}

BOOST_AUTO_TEST_CASE(credit_is_as_many_tasks_as_fill_the_time_ahead) {
  one_lane b({.work_ahead = 4ms});
  b.add_worker(0);
  BOOST_TEST(b.credit(0) == 2u);
  b.measured(0, 10, 1ms);  // 100 µs each
  BOOST_TEST(b.credit(0) == 40u);
}

BOOST_AUTO_TEST_CASE(credit_follows_an_average_and_not_every_measurement) {
  one_lane b({.work_ahead = 4ms});
  b.add_worker(0);
  b.measured(0, 10, 1ms);
  b.measured(0, 1, 1ms);  // one that took ten times as long
  BOOST_TEST(b.credit(0) == 12u);
  for (int i = 0; i < 50; ++i) b.measured(0, 10, 1ms);
  BOOST_TEST(b.credit(0) >= 39u);
}

BOOST_AUTO_TEST_CASE(credit_stays_between_its_bounds) {
  one_lane b({.least = 2, .most = 100});
  b.add_worker(0);
  b.measured(0, 1'000'000, 1ns);
  BOOST_TEST(b.credit(0) == 100u);
  b.measured(0, 1, 1h);
  BOOST_TEST(b.credit(0) == 2u);
  b.measured(0, 0, 1h);  // says nothing
  BOOST_TEST(b.credit(0) == 2u);
}

BOOST_AUTO_TEST_CASE(a_window_that_was_asked_for_stays) {
  one_lane b({.window = 7});
  b.add_worker(0);
  b.measured(0, 1'000'000, 1ns);
  BOOST_TEST(b.credit(0) == 7u);
}

BOOST_AUTO_TEST_CASE(a_worker_with_more_tasks_than_credit_wants_none) {
  one_lane b = with_tasks({}, 100);
  b.add_worker(0);
  b.measured(0, 1000, 40ms);
  BOOST_TEST(give_all(b, 0).size() == 100u);
  b.measured(0, 1, 1h);
  BOOST_TEST(b.credit(0) == 2u);
  BOOST_TEST(b.appetite(0) == 0u);
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_too_but_two_tasks_are_always_taken) {
  one_lane b({.window = 10, .bytes = 100});
  for (std::uint64_t t = 0; t < 4; ++t) b.add(task(t, 50));
  b.add(task(4, 500));
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1}));
  BOOST_TEST(give_all(b, 1) == (ids{2, 3}));
  BOOST_TEST(give(b, 0, 1).empty());
  b.finished(0);
  BOOST_TEST(give(b, 0, 1) == ids{4});  // one runs, and one is on its way
  one_lane single({.window = 1, .bytes = 100});
  single.add_worker(0);
  single.add(task(0, 500)), single.add(task(1, 500));
  BOOST_TEST(give_all(single, 0) == (ids{0}));
}

BOOST_AUTO_TEST_CASE(what_is_recalled_heads_the_queue_in_order_and_nothing_is_held_against_it) {
  one_lane b = with_tasks({.window = 4}, 6);
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1, 2, 3}));
  b.measured(0, 2, 20ms);
  BOOST_TEST(b.unbegun_work(0, 1).count() == 30'000'000);
  BOOST_TEST(b.unbegun_work(0, 9).count() == 0);
  BOOST_TEST(b.recalled(0, 1) == 3u);
  BOOST_TEST(b.in_flight(0) == 1u);
  BOOST_TEST(b.in_flight() == 1u);
  BOOST_TEST(give_all(b, 1) == (ids{1, 2, 3, 4}));
  BOOST_TEST(b.recalled(1, 9) == 0u);
  BOOST_TEST(!try_again(b, b.finished(1), schedule::failure::exception));
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_can_be_withdrawn_and_one_that_does_not_can_be_found) {
  one_lane b = with_tasks({.window = 2}, 4);
  b.add_worker(0);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1}));
  BOOST_TEST(!b.withdraw(0, 1).has_value());
  BOOST_TEST(*b.place(0, 0, 1) == 1u);
  BOOST_TEST(!b.place(0, 0, 2));
  BOOST_TEST(b.withdraw(0, 2).has_value());
  BOOST_TEST(b.pending() == 1u);
  BOOST_TEST(b.front()->id == 3u);
}

BOOST_AUTO_TEST_CASE(no_more_results_are_under_way_than_the_bytes_of_them_allow) {
  one_lane b({.bytes = 1000});
  b.add_worker(0);
  b.measured(0, 10, 10us, 10 * 100);
  BOOST_TEST(b.credit(0) == 10u);
  b.measured(0, 1, 1us, 5000);  // at once, when they grow
  BOOST_TEST(b.credit(0) == 2u);
  for (int i = 0; i < 100; ++i) b.measured(0, 10, 10us, 0);
  BOOST_TEST(b.credit(0) == 4000u);
}

BOOST_AUTO_TEST_CASE(a_death_blames_the_running_task_and_puts_back_the_others_in_order) {
  one_lane b = with_tasks({.window = 3, .retries = 1}, 5);
  b.add_worker(0);
  give_all(b, 0);
  auto const blamed = b.died(0, true);
  BOOST_TEST(blamed->id == 0u);
  BOOST_TEST(waiting(b) == (ids{1, 2, 3, 4}));
  BOOST_TEST(b.in_flight() == 0u);
  BOOST_TEST(b.workers() == 0u);
  BOOST_TEST(b.appetite(0) == 0u);
  BOOST_TEST(try_again(b, *blamed, schedule::failure::death));
  BOOST_TEST(waiting(b) == (ids{0, 1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(a_death_between_two_tasks_blames_nobody) {
  one_lane b = with_tasks({.window = 3}, 3);
  b.add_worker(0);
  give_all(b, 0);
  b.finished(0);
  BOOST_TEST(!b.died(0, false).has_value());
  BOOST_TEST(waiting(b) == (ids{1, 2}));
  b.add_worker(1);
  BOOST_TEST(!b.died(1, true).has_value());
}

BOOST_AUTO_TEST_CASE(what_stood_behind_a_killer_is_never_blamed_however_often) {
  one_lane b = with_tasks({.window = 3, .retries = 0}, 3);
  for (std::uint64_t killer = 0; killer < 3; ++killer) {
    b.add_worker(0);
    give_all(b, 0);
    auto const blamed = b.died(0, true);
    BOOST_TEST(blamed->id == killer);
    BOOST_TEST(!try_again(b, *blamed, schedule::failure::death));
  }
  BOOST_TEST(b.pending() == 0u);
}

BOOST_AUTO_TEST_CASE(exceptions_and_deaths_are_counted_apart) {
  one_lane b = with_tasks({.retries = 1}, 1);
  BOOST_TEST(try_again(b, b.drop_front(), schedule::failure::exception));
  BOOST_TEST(try_again(b, b.drop_front(), schedule::failure::death));
  task_run const last = b.drop_front();
  BOOST_TEST(b.attempt(last) == 3u);
  BOOST_TEST(!try_again(b, last, schedule::failure::exception));
  BOOST_TEST(!try_again(b, last, schedule::failure::death));
}

BOOST_AUTO_TEST_CASE(tasks_that_follow_each_other_are_one_entry_whatever_happens_in_between) {
  one_lane b = with_tasks({.window = 100, .retries = 1}, 100);
  b.add_worker(0);
  BOOST_TEST(b.front()->count == 100u);
  BOOST_TEST(give(b, 0, 40).size() == 40u);
  BOOST_TEST(b.recalled(0, 10) == 30u);
  BOOST_TEST(b.front()->count == 90u);
  BOOST_TEST(b.oldest(0)->count == 10u);
  BOOST_TEST(b.withdraw(0, 50)->id == 50u);
  BOOST_TEST(b.front()->count == 40u);
  BOOST_TEST(try_again(b, b.finished(0), schedule::failure::exception));
  BOOST_TEST(b.front()->count == 1u);  // one that has failed is no longer like the others
  BOOST_TEST(b.pending() == 90u);
}

BOOST_AUTO_TEST_CASE(a_serial_lane_is_on_one_worker_at_a_time) {
  schedule b({.window = 2});
  b.open_lane(1, true);
  for (std::uint64_t t = 0; t < 6; ++t) b.add(task(t));
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1}));
  BOOST_TEST(give_all(b, 1).empty());
  b.finished(0);
  BOOST_TEST(give_all(b, 1).empty());
  BOOST_TEST(give_all(b, 0) == (ids{2}));
  b.finished(0), b.finished(0);
  BOOST_TEST(give_all(b, 1) == (ids{3, 4}));
  BOOST_TEST(give_all(b, 0).empty());
}

BOOST_AUTO_TEST_CASE(others_run_beside_a_serial_lane) {
  schedule b({.window = 2});
  b.open_lane(1, true), b.open_lane(1, true), b.open_lane();
  for (std::uint64_t t = 0; t < 9; ++t) {
    task_run r = task(t);
    r.lane = static_cast<schedule::lane_id>(t % 3);
    b.add(r);
  }
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give(b, 0, 1) == (ids{0}));
  BOOST_TEST(give(b, 1, 2) == (ids{1, 2}));
  ids others = give(b, 1, 9);  // those of lane 0 are worker 0's
  std::ranges::sort(others);
  BOOST_TEST(others == (ids{4, 5, 7, 8}));
  b.finished(0);
  BOOST_TEST(give(b, 1, 9) == (ids{3, 6}));
}

BOOST_AUTO_TEST_CASE(in_a_serial_lane_the_next_waits_for_one_that_is_tried_again) {
  schedule b({.window = 4, .retries = 1});
  b.open_lane(1, true);
  for (std::uint64_t t = 0; t < 3; ++t) b.add(task(t));
  b.add_worker(0);
  BOOST_TEST(give_all(b, 0) == (ids{0}));
  BOOST_TEST(give_all(b, 0).empty());
  task_run failed = b.finished(0);
  BOOST_TEST(b.may_try_again(failed, schedule::failure::exception));
  BOOST_TEST(give_all(b, 0).empty());  // it may come back later
  b.put_back(failed);
  BOOST_TEST(give_all(b, 0) == (ids{0}));
  failed = b.finished(0);
  BOOST_TEST(!b.may_try_again(failed, schedule::failure::exception));
  BOOST_TEST(give_all(b, 0) == (ids{1}));
  failed = b.finished(0);
  BOOST_TEST(b.may_try_again(failed, schedule::failure::death));
  b.forget(failed);
  BOOST_TEST(give_all(b, 0) == (ids{2}));
}

BOOST_AUTO_TEST_CASE(a_dead_workers_serial_lane_goes_to_another_in_its_order) {
  schedule b({.window = 3});
  b.open_lane(1, true);
  for (std::uint64_t t = 0; t < 4; ++t) b.add(task(t));
  b.add_worker(0), b.add_worker(1);
  BOOST_TEST(give_all(b, 0) == (ids{0, 1, 2}));
  BOOST_TEST(b.died(0, true)->id == 0u);
  BOOST_TEST(give_all(b, 1) == (ids{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(a_worker_in_a_dead_ones_place_knows_nothing_of_it) {
  one_lane b({});
  b.add_worker(0);
  b.measured(0, 1'000'000, 1ns);
  b.died(0, false);
  b.add_worker(0);
  BOOST_TEST(b.credit(0) == b.first_credit());
  b.measured(0, 1, 4ms);
  BOOST_TEST(b.credit(0) == 2u);
}

BOOST_AUTO_TEST_CASE(any_history_leaves_every_task_in_one_place) {
  BOOST_TEST(rc::check([](std::vector<std::uint8_t> const& bytes) { schedule_history(bytes).run(); }));
  BOOST_TEST(rc::check([] {
    schedule_history(*rc::gen::container<std::vector<std::uint8_t>>(600, rc::gen::arbitrary<std::uint8_t>())).run();
  }));
}

BOOST_AUTO_TEST_SUITE_END()
