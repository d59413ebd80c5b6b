#define BOOST_TEST_MODULE dispatcher_faults
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <string_view>
#include <vector>

using namespace std::chrono_literals;

// What goes wrong with tasks and workers, and who is blamed.

BOOST_AUTO_TEST_SUITE(dispatcher_faults)

using ids = std::vector<std::uint64_t>;
using words = std::vector<std::string>;
using procx::death_cause;
using procx::detail::worker_end;

static std::exception_ptr error(char const* what) { return std::make_exception_ptr(std::runtime_error(what)); }

BOOST_AUTO_TEST_CASE(a_task_that_keeps_killing_its_worker_fails_and_those_behind_it_go_on_unharmed) {
  for (std::uint32_t const retries : {0u, 1u, 3u}) {
    BOOST_TEST_CONTEXT(retries << " retries") {
      three_tasks s(retries);
      words told;
      for (std::uint32_t attempt = 1; attempt <= retries + 1; ++attempt) {
        BOOST_TEST(s.last().ids() == (ids{0, 1, 2}));
        s.last().begin();
        s.last().die();
        if (attempt <= retries) told.push_back("retry 0");
        if (attempt > retries) told.push_back("failure 0: died of 9 at attempt " + std::to_string(attempt));
        told.push_back("progress");
      }
      BOOST_TEST(s.o.sink.take_log() == told);
      BOOST_TEST(s.last().ids() == (ids{1, 2}));
      BOOST_TEST(s.workers.size() == retries + 2);
      // Nothing is held against the second one.
      for (std::uint32_t attempt = 1; attempt <= retries; ++attempt) {
        s.last().begin();
        s.last().die();
      }
      BOOST_TEST(s.last().ids() == (ids{1, 2}));
      s.last().work_all();
      BOOST_TEST(s.o.number_of("value") == 2u);
      BOOST_TEST(s.o.lane->idle());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_death_between_two_tasks_is_nobodys_fault) {
  three_tasks s(0);
  s.last().work(1);
  s.last().die();
  BOOST_TEST(s.last().ids() == (ids{1, 2}));
  s.last().begin();
  s.last().leave_task();
  s.last().die();
  BOOST_TEST(s.last().ids() == (ids{1, 2}));
  s.last().work_all();
  BOOST_TEST(s.o.number_of("value") == 3u);
}

BOOST_AUTO_TEST_CASE(a_task_that_met_the_signal_for_another_is_run_again_however_often) {
  three_tasks s(0);
  for (int i = 0; i < 10; ++i) {
    s.last().begin();
    s.last().end({.at_task = true, .another_was_meant = true});
    BOOST_TEST(s.last().ids() == (ids{0, 1, 2}));
  }
  BOOST_TEST(s.o.sink.ends.empty());
  s.last().begin();
  s.last().die();
  BOOST_TEST(s.o.sink.end_of(0) == "died of 9 at attempt 1");
}

BOOST_AUTO_TEST_CASE(a_worker_that_says_nonsense_is_blamed_on_its_task) {
  struct row {
    bool has_worked, at_task, another_was_meant;
    bool is_blamed;
  };
  for (row const& r : {row{true, false, false, true}, row{true, true, false, true}, row{true, true, true, true},
                       row{false, true, false, true}, row{false, false, false, false}}) {
    BOOST_TEST_CONTEXT(r.has_worked << r.at_task << r.another_was_meant) {
      three_tasks s(0);
      if (r.has_worked) s.last().work(1);
      std::uint64_t const oldest = r.has_worked ? 1 : 0;
      s.last().end({.at_task = r.at_task, .another_was_meant = r.another_was_meant, .complaint = error("nonsense")});
      BOOST_TEST(s.o.sink.end_of(oldest) == (r.is_blamed ? "nonsense" : ""));
      BOOST_TEST(s.last().ids().front() == oldest + r.is_blamed);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_end_that_could_not_be_noted_for_want_of_memory_is_one) {
  three_tasks s(0);
  s.last().begin();
  s.last().end({.at_task = true, .has_certificate = false});
  BOOST_TEST(s.o.sink.end_of(0) == std::bad_alloc().what());
}

BOOST_AUTO_TEST_CASE(exceptions_and_deaths_are_counted_apart) {
  struct row {
    std::uint32_t retries;
    std::string_view happens;  // e: it throws, d: its worker dies
    char const* end;
  };
  for (row const& r : {row{0, "e", "thrown"}, row{0, "d", "died of 9 at attempt 1"}, row{1, "ee", "thrown"},
                       row{1, "dd", "died of 9 at attempt 2"}, row{1, "ede", "thrown"}, row{1, "edd", "died of 9 at attempt 3"},
                       row{1, "dee", "thrown"}, row{2, "edede", "thrown"}, row{2, "eeddd", "died of 9 at attempt 5"}}) {
    BOOST_TEST_CONTEXT(r.retries << " retries, " << r.happens) {
      three_tasks s(r.retries);
      for (char const what : r.happens) {
        BOOST_TEST(s.o.sink.end_of(0) == "");
        BOOST_TEST(s.last().ids().front() == 0u);
        s.last().begin();
        if (what == 'd') {
          s.last().die();
        } else {
          s.last().fail();
          s.last().work_all();  // those behind it go on, and then it comes again
        }
      }
      BOOST_TEST(s.o.sink.end_of(0) == r.end);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_wait_before_the_next_attempt_doubles_up_to_64_times) {
  three_tasks s(9, 10ms);
  s.last().fail();
  s.last().work_all();
  for (int const times : {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
    BOOST_TEST_CONTEXT(times << " times") {
      s.move_clock(10ms * times - 1ns);
      BOOST_TEST(s.last().tasks.empty());
      BOOST_TEST(!s.dispatcher->idle());
      s.move_clock(1ns);
      BOOST_TEST(s.last().ids() == ids{0});
      BOOST_TEST(s.o.sink.end_of(0) == "");
      s.last().fail();
      s.last().turn_over();
    }
  }
  BOOST_TEST(s.o.sink.end_of(0) == "thrown");
  BOOST_TEST(s.o.lane->idle());
}

BOOST_AUTO_TEST_CASE(a_wait_that_cannot_be_counted_is_for_ever) {
  three_tasks s(1, std::chrono::nanoseconds::max());
  s.last().fail();
  s.last().work_all();
  s.move_clock(24h * 365 * 100);
  BOOST_TEST(s.o.lane->unfinished() == 1u);
  BOOST_TEST(s.last().tasks.empty());
}

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_long_is_stopped_when_its_time_is_up_and_not_before) {
  dispatch_stage s({.task_timeout = 50ms, .grace = 7ms, .policy = {.window = 4, .retries = 3}});
  owner o(*s.dispatcher);
  o.add(4);
  s.pump();
  auto& w = s.workers[0];
  s.move_clock(1h);  // nothing has begun
  w.begin();
  s.move_clock(30ms);
  w.leave_task();
  w.begin();  // the first one's result is on its way
  s.move_clock(49ms);
  BOOST_TEST(w.stops.empty());
  s.move_clock(1ms);
  BOOST_TEST_REQUIRE(w.stops.size() == 1u);
  BOOST_TEST(w.stops[0].ahead == 1u);
  BOOST_CHECK(w.stops[0].how == procx::detail::stop_how::kill);
  BOOST_CHECK(w.stops[0].cause == death_cause::timeout);
  BOOST_CHECK(w.stops[0].grace == 7ms);
  w.finish_series(1);
  w.die(death_cause::timeout);
  BOOST_TEST(o.sink.end_of(0) == "value");
  BOOST_TEST(o.sink.end_of(1) == "timeout");  // and is not tried again
  BOOST_TEST(s.workers[1].ids() == (ids{2, 3}));
}

BOOST_AUTO_TEST_CASE(each_task_has_its_own_time) {
  dispatch_stage s({.task_timeout = 50ms, .policy = {.window = 4}});
  owner o(*s.dispatcher);
  o.add(4);
  s.pump();
  auto& w = s.workers[0];
  for (int i = 0; i < 4; ++i) {
    w.begin();
    s.move_clock(40ms);
    w.work(1);
  }
  BOOST_TEST(w.stops.empty());
  BOOST_TEST(w.looks == 4u);
}

BOOST_AUTO_TEST_CASE(a_bad_ending_is_told_to_all_owners_and_the_log) {
  struct row {
    worker_end end;
    bool retired;
    char const* line;  // null: none
  };
  procx::death_certificate const crashed{.status = procx::exit_status::of_signal(11)};
  for (row const& r : {
           row{{.teardown_error = error("torn\ndown")}, true, "the teardown of worker 0 (process 1000) threw torn down"},
           row{{.left_badly = true, .certificate = crashed}, true,
               "worker 0 (process 1000) was to leave, and killed by SIGSEGV"},
           row{{.left_badly = true, .certificate = crashed}, false,
               "worker 0 (process 1000) had nothing to do, and killed by SIGSEGV"},
           row{{.left_badly = true, .overstayed = true, .certificate = crashed}, true,
               "worker 0 (process 1000) was to leave, and was killed because it had not done so in time"},
           row{{.certificate = crashed}, true, nullptr},
       }) {
    words lines;
    dispatch_stage s({.log = [&](procx::log_line const& l) { lines.emplace_back(l.text); }});
    owner a(*s.dispatcher), b(*s.dispatcher);
    a.add(1);
    s.pump();
    s.workers[0].work_all();
    if (r.retired) s.workers[0].wear_out();
    s.workers[0].end(r.end);
    BOOST_TEST(lines == (r.line ? words{r.line} : words{}));
    BOOST_TEST(a.sink.bad_endings.size() == lines.size());
    BOOST_TEST(b.sink.bad_endings.size() == lines.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
