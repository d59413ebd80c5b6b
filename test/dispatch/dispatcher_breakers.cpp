#define BOOST_TEST_MODULE dispatcher_breakers
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <vector>

using namespace std::chrono_literals;

// When workers never come to work: how long it is tried, and what fails then.

BOOST_AUTO_TEST_SUITE(dispatcher_breakers)

using ids = std::vector<std::uint64_t>;
using procx::detail::worker_end;

static std::exception_ptr error(char const* what) { return std::make_exception_ptr(std::runtime_error(what)); }

static worker_end failed_setup() { return {.setup_error = error("no setup")}; }
static worker_end killed_early() { return {.certificate = {.status = procx::exit_status::of_signal(11)}}; }

BOOST_AUTO_TEST_CASE(workers_that_never_come_to_work_are_tried_eight_times) {
  struct row {
    worker_end end;
    std::vector<std::chrono::milliseconds> waits;  // before each worker
    char const* word;
  };
  std::vector<std::chrono::milliseconds> const no_waits(8), growing{0ms, 0ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms};
  for (row const& r : {row{failed_setup(), no_waits, "no setup"}, row{killed_early(), growing, "died of 11 at attempt 0"}}) {
    BOOST_TEST_CONTEXT(r.word) {
      three_tasks s(1);
      for (std::size_t i = 0; i < 8; ++i) {
        if (r.waits[i] > 0ms) {
          s.move_clock(r.waits[i] - 1ns);
          BOOST_TEST(s.workers.size() == i);
          s.move_clock(1ns);
        }
        BOOST_TEST(s.workers.size() == i + 1);
        BOOST_TEST(s.o.sink.ends.empty());
        s.last().end(r.end);
        s.loop.poll();
      }
      BOOST_TEST(s.o.number_of(r.word) == 3u);
      BOOST_TEST(s.workers.size() == 8u);
      // New tasks are worth another try.
      s.move_clock(1s);
      s.o.add(1);
      s.pump();
      BOOST_TEST(s.workers.size() == 9u);
      s.last().work_all();
      BOOST_TEST(s.o.number_of("value") == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_ended_by_what_ends_all_is_no_sign_of_trouble) {
  three_tasks s(1);
  for (int i = 0; i < 30; ++i) s.last().end({.at_fault = false});
  BOOST_TEST(s.last().ids() == (ids{0, 1, 2}));
}

BOOST_AUTO_TEST_CASE(nothing_fails_for_want_of_workers_while_one_works) {
  for (bool const has_result : {true, false}) {
    BOOST_TEST_CONTEXT("has given a result: " << has_result) {
      dispatch_stage s({.workers = 2, .policy = {.window = 2}});
      owner o(*s.dispatcher);
      o.add(100);
      s.pump();
      if (has_result)
        s.workers[0].work(1);
      else
        s.workers[0].begin();
      for (int i = 0; i < 20; ++i) {
        auto& last = s.workers[s.workers.size() - 1];
        if (!last.is_gone) last.end(failed_setup());
        s.move_clock(1s);
      }
      BOOST_TEST(s.workers.size() == 22u);
      BOOST_TEST(o.sink.ends.size() == (has_result ? 1u : 0u));
      // When that one is gone too, one more that does not work is enough.
      s.workers[0].end(has_result ? killed_early() : failed_setup());
      s.workers[s.workers.size() - 1].end(failed_setup());
      s.move_clock(1h);
      s.loop.poll();
      BOOST_TEST(o.number_of("no setup") > 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(orders_that_come_to_nothing_fail_what_waits_at_once_or_after_eight) {
  for (bool const late : {false, true})
    for (bool const again : {false, true}) {
      BOOST_TEST_CONTEXT("late " << late << ", again " << again) {
        dispatch_stage s({.workers = 1});
        s.workers.refusal = error("no workers");
        s.workers.refused_again = again;
        s.workers.answers_late = late;
        owner o(*s.dispatcher);
        o.add(3);
        s.dispatcher->pump();
        BOOST_TEST(o.sink.log.empty());  // not from within `pump`
        while (s.workers.waiting > 0) s.workers.refuse(error("no workers"), again);
        s.loop.poll();
        BOOST_TEST(o.number_of("no workers") == 3u);
        BOOST_TEST(o.sink.log.front() == "failure 0 of no worker: no workers");
        BOOST_TEST(s.workers.orders == (again ? 8u : 1u));
        BOOST_TEST(s.dispatcher->places_taken() == 0u);

        s.workers.refusal = nullptr;
        s.workers.answers_late = false;
        o.add(1);
        s.pump();
        BOOST_TEST(s.workers[0].ids() == ids{3});
      }
    }
}

BOOST_AUTO_TEST_CASE(with_one_worker_the_work_goes_on_though_no_other_can_be_had) {
  dispatch_stage s({.workers = 4, .policy = {.window = 1}});
  s.workers.answers_late = true;
  owner o(*s.dispatcher);
  o.add(20);
  s.pump();
  BOOST_TEST(s.workers.waiting == 4u);
  BOOST_TEST(s.dispatcher->places_taken() == 4u);
  for (int i = 0; i < 3; ++i) s.workers.refuse(error("no more"), false);
  while (s.workers.size() == 0) s.workers.answer();
  s.workers.answers_late = false;
  s.workers.refusal = error("no more");
  while (!s.workers[0].tasks.empty()) s.workers[0].work_all();
  while (s.workers.waiting > 0) s.workers.refuse(error("no more"), false);
  BOOST_TEST(o.number_of("value") == 20u);
  BOOST_TEST(s.workers.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
