#define BOOST_TEST_MODULE pmap_faults
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <iterator>
#include <numeric>
#include <random>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;
using observe::shared;
using processes::code_of_fork;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Throws when it is written, or half-way when it is written in a worker.
struct unwilling {
  int n = 0;
  bool refuses = false;
  std::string padding = std::string(1000, 'p');
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & n & padding;
    if (refuses) throw std::logic_error("not serializable today");
    ar & refuses;
  }
};

/// Every third throws when it is read.
struct unreadable {
  int n = 0;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & n;
    if (Archive::is_loading::value && n % 3 == 1) throw std::domain_error("not today");
  }
};

/// Numbers from 0 to 9; going on to the fifth throws, each time it is tried.
struct brittle {
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    int at = 0;
    int operator*() const { return at; }
    iterator& operator++() {
      if (at == 5) throw std::range_error("no further");
      ++at;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return at == 10; }
  };
  iterator begin() const { return {}; }
  std::default_sentinel_t end() const { return {}; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pmap_faults, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(every_tenth_task_kills_its_process_and_is_the_one_to_blame) {
  for (int const workers : {1, 2, 11}) {
    std::size_t expected = 0;
    auto m = px::pmap([](int n) {
      if (n % 10 == 0) ::raise(SIGKILL);
      return n;
    }, numbers(200), {.workers = workers});
    for (auto const& o : m.outcomes()) {
      BOOST_TEST_REQUIRE(o.index() == expected++);
      BOOST_TEST_REQUIRE(o.has_value() == (o.index() % 10 != 0));
      if (o) BOOST_TEST_REQUIRE(*o == static_cast<int>(o.index()));
      else BOOST_CHECK_EXCEPTION(o.value(), px::process_died, [](auto const& e) { return e.status().signal() == SIGKILL; });
    }
    BOOST_TEST(expected == 200u);
  }
}

BOOST_AUTO_TEST_CASE(every_way_to_fail_costs_its_own_task) {
  for (int const workers : {1, 2, 11}) {
    auto m = px::pmap([](int n) {
      switch (n % 16) {
        case 1: throw std::domain_error("thrown");
        case 3: throw 42;
        case 5: ::abort();
        case 7: ::_exit(0);
        case 9: ::_exit(7);
        case 11: ::raise(SIGSEGV); break;
        default: break;
      }
      return n;
    }, numbers(64), {.workers = workers});
    auto const status_of = [&](std::size_t i) {
      try {
        m.outcome_of(i).value();
      } catch (px::process_died const& e) {
        return e.status();
      }
      return px::exit_status();
    };
    for (std::size_t i = 0; i < 64; ++i) {
      switch (i % 16) {
        case 1:
          BOOST_CHECK_EXCEPTION(m[i], px::remote_exception, [](auto const& e) {
            return e.type_name() == "std::domain_error" && e.message() == "thrown";
          });
          break;
        case 3: BOOST_CHECK_THROW(m[i], px::remote_exception); break;
        case 5: BOOST_TEST(status_of(i).signal() == SIGABRT); break;
        case 7: BOOST_TEST(status_of(i).success()); break;
        case 9: BOOST_TEST(status_of(i).code() == 7); break;
        case 11: BOOST_TEST((status_of(i).signal() == SIGSEGV || observe::instrumented)); break;
        default: BOOST_TEST(m[i] == static_cast<int>(i));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(results_whose_serialization_throws_are_failures_of_their_own) {
  auto m = px::pmap([](int n) { return unwilling{n, n % 3 == 1}; }, numbers(30), {.workers = 2});
  for (std::size_t i = 0; i < 30; ++i) {
    if (i % 3 == 1) BOOST_CHECK_THROW(m[i], px::remote_exception);
    else BOOST_TEST(m[i].n == static_cast<int>(i));
  }
}

BOOST_AUTO_TEST_CASE(inputs_that_cannot_be_written_are_failures_of_their_own) {
  auto const inputs = std::views::iota(0, 30) | std::views::transform([](int n) { return unwilling{n, n % 3 == 1}; });
  auto m = px::pmap([](unwilling const& u) { return u.n; }, inputs, {.workers = 2});
  for (std::size_t i = 0; i < 30; ++i) {
    if (i % 3 == 1) BOOST_CHECK_THROW(m[i], std::logic_error);
    else BOOST_TEST(m[i] == static_cast<int>(i));
  }
}

BOOST_AUTO_TEST_CASE(a_range_that_throws_throws_here) {
  for (int const workers : {1, 2, 11}) {
    auto const touchy = std::views::iota(0, 20) | std::views::transform([](int n) {
      if (n == 7) throw std::range_error("seven");
      return n;
    });
    auto m = px::pmap([](int n) { return n; }, touchy, {.workers = workers});
    BOOST_TEST(m[6] == 6);
    BOOST_TEST(m[19] == 19);
    BOOST_CHECK_THROW(m[7], std::range_error);

    // One that cannot go on at all: what was drawn is not lost.
    auto b = px::pmap([](int n) { return n; }, brittle(), {.workers = workers});
    std::vector<int> seen;
    auto const go_on = [&] {
      for (int r : b) seen.push_back(r);
    };
    BOOST_CHECK_THROW(go_on(), std::range_error);
    BOOST_TEST(seen == numbers(6), boost::test_tools::per_element());
    BOOST_CHECK_THROW(go_on(), std::range_error);
    BOOST_TEST(seen.size() == 6u);
  }
}

BOOST_AUTO_TEST_CASE(a_range_that_throws_once_goes_on_behind_that) {
  for (bool const ordered : {true, false}) {
    std::istringstream text("0 1 2 three 4 5");
    text.exceptions(std::ios::failbit);
    auto m = px::pmap([](int n) { return n; }, std::views::istream<int>(text), {.workers = 2, .ordered = ordered});
    std::multiset<int> seen;
    std::size_t threw = 0;
    for (bool at_end = false; !at_end;) try {
        for (int r : m) seen.insert(r);
        at_end = true;
      } catch (std::ios::failure const&) {
        if (++threw == 1) BOOST_TEST(seen.size() == 3u);
        if (text.eof()) break;
        text.clear();
        std::string word;
        text >> word;
      }
    BOOST_TEST((seen == std::multiset<int>{0, 1, 2, 4, 5}));
    BOOST_TEST(threw == 2u);  // the last is the end of the text
  }
}

BOOST_AUTO_TEST_CASE(inputs_larger_than_a_frame_may_be_are_failures_of_their_own) {
  std::array<std::pair<long, long>, 3> const inputs{};
  auto results = px::pmap([](long, long) { return 0; }, inputs, {.frame_limit = 15});
  int failures = 0;
  for (auto const& o : results.outcomes()) {
    BOOST_CHECK_THROW(o.value(), px::protocol_error);
    ++failures;
  }
  BOOST_TEST(failures == 3);
}

BOOST_AUTO_TEST_CASE(an_exception_that_does_not_fit_into_a_frame_keeps_its_type) {
  auto results = px::pmap([](int n) -> int { throw std::range_error(std::string(100000, 'x') + std::to_string(n)); },
                          std::views::iota(0, 3), {.frame_limit = 200});
  for (px::outcome<int> const& o : results.outcomes()) {
    try {
      o.value();
      BOOST_ERROR("nothing was thrown");
    } catch (px::remote_exception const& e) {
      BOOST_TEST(e.type_name() == "std::range_error");
      BOOST_TEST(e.message().starts_with("xxx"));
    }
  }
}

BOOST_AUTO_TEST_CASE(results_that_cannot_be_read_are_failures_of_their_own) {
  for (bool const ordered : {true, false}) {
    auto m = px::pmap([](int n) { return unreadable{n}; }, numbers(30), {.workers = 2, .ordered = ordered});
    std::set<std::size_t> good;
    for (auto const& o : m.outcomes())
      if (o) good.insert(o.index());
      else BOOST_CHECK_THROW(o.value(), std::domain_error);
    BOOST_TEST(good.size() == 20u);
    BOOST_TEST(std::ranges::count_if(good, [](std::size_t i) { return i % 3 == 1; }) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_callable_that_forks_and_returns_twice_answers_once) {
  for (int const workers : {1, 2, 11}) {
    int expected = 0;
    for (int r : px::pmap([](int n) {
           pid_t const copy = ::fork();
           if (copy) ::waitpid(copy, nullptr, 0);  // the copy would answer first
           return n;
         }, numbers(50), {.workers = workers}))
      BOOST_TEST(r == expected++);
    BOOST_TEST(expected == 50);
  }
}

BOOST_AUTO_TEST_CASE(much_on_the_standard_error_blocks_nobody) {
  processes::own_fd const null(::open("/dev/null", O_WRONLY));
  processes::own_fd const saved(::dup(STDERR_FILENO));
  ::dup2(null.get(), STDERR_FILENO);
  int sum = 0;
  for (int r : px::pmap([](int n) {
         std::string const line(1023, 'e');
         for (int i = 0; i < 1024; ++i) std::cerr << line << '\n';
         return n;
       }, numbers(4), {.workers = 2}))
    sum += r;
  ::dup2(saved.get(), STDERR_FILENO);
  BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(a_death_tells_what_was_written_to_the_standard_error_last) {
  processes::stderr_capture quiet;
  auto m = px::pmap([](int n) {
    std::cerr << "about to fail: " << n << std::endl;
    ::abort();
    return n;
  }, numbers(1), {.workers = 1});
  BOOST_CHECK_EXCEPTION(m[0], px::process_died,
                        [](auto const& e) { return e.stderr_tail().find("about to fail: 0") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(deaths_and_exceptions_are_tried_again_as_often_as_was_said_and_counted_apart) {
  constexpr std::size_t tasks = 12;
  for (int const workers : {1, 2, 11}) {
    shared<std::array<std::atomic<int>, tasks>> runs;
    auto m = px::pmap([&](std::size_t n) {
      int const run = ++(*runs)[n];
      if (n == 1 && run <= 2) ::raise(SIGKILL);          // two deaths
      if (n == 2 && run <= 2) throw std::logic_error("");  // two exceptions
      if (n == 3 && run % 2) ::raise(SIGKILL);           // two of each: …
      if (n == 3 && run <= 4) throw std::logic_error("");
      if (n == 4) ::raise(SIGKILL);                      // without end
      if (n == 5) throw std::logic_error("");
      return static_cast<int>(n);
    }, std::views::iota(std::size_t{0}, tasks), {.workers = workers, .retries = 2});
    BOOST_TEST(m[1] == 1);
    BOOST_TEST(m[2] == 2);
    BOOST_CHECK_THROW(m[3], px::process_died);  // … and a third death
    BOOST_CHECK_THROW(m[4], px::process_died);
    BOOST_CHECK_THROW(m[5], px::remote_exception);
    for (std::size_t i = 6; i < tasks; ++i) BOOST_TEST(m[i] == static_cast<int>(i));
    std::array const expected{1, 3, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1};
    for (std::size_t i = 0; i < tasks; ++i) 
      BOOST_TEST((*runs)[i].load() == expected[i], "task " << i << " ran " << (*runs)[i].load() << " times");
  }
}

BOOST_AUTO_TEST_CASE(finished_results_are_neither_lost_nor_run_twice_when_a_later_task_kills_the_worker) {
  constexpr std::size_t tasks = 300;
  for (int const workers : {1, 2, 11}) {
    shared<std::array<std::atomic<int>, tasks>> runs;
    auto m = px::pmap([&](std::size_t n) {
      ++(*runs)[n];
      if (n % 50 == 49) ::raise(SIGKILL);
      return std::string(n * 30, 'r');  // some hundred fill the board
    }, std::views::iota(std::size_t{0}, tasks), {.workers = workers, .window = 256});
    for (auto const& o : m.outcomes()) {
      BOOST_TEST_REQUIRE(o.has_value() == (o.index() % 50 != 49), "task " << o.index() << ": " << o.what());
      if (o) BOOST_TEST_REQUIRE(o->size() == o.index() * 30);
    }
    for (std::size_t i = 0; i < tasks; ++i) BOOST_TEST_REQUIRE((*runs)[i].load() == 1, "task " << i);
  }
}

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_long_is_stopped_and_the_others_are_not_held_up) {
  for (int const workers : {1, 2, 11}) {
    auto m = px::pmap([](int n) {
      while (n == 3) ::pause();
      return n;
    }, numbers(20), {.workers = workers, .task_timeout = observe::instrumented ? 300ms : 60ms});
    for (std::size_t i = 0; i < 20; ++i) {
      if (i == 3) BOOST_CHECK_THROW(m[i], px::task_timeout);
      else BOOST_TEST(m[i] == static_cast<int>(i));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_task_that_ignores_signals_is_stopped_as_well) {
  auto m = px::pmap([](int n) {
    for (int s : {SIGTERM, SIGINT, SIGHUP}) ::signal(s, SIG_IGN);
    while (n == 0) ::pause();
    return n;
  }, numbers(2), {.workers = 1, .task_timeout = 50ms});
  BOOST_CHECK_THROW(m[0], px::task_timeout);
  BOOST_TEST(m[1] == 1);
}

BOOST_AUTO_TEST_CASE(workers_whose_every_task_dies_end_with_every_task_failed) {
  int died = 0;
  for (auto const& o : px::pmap([](int) { ::_exit(1); return 0; }, numbers(50), {.workers = 2}).outcomes()) died += !o;
  BOOST_TEST(died == 50);
}

BOOST_AUTO_TEST_CASE(without_descriptors_there_are_fewer_workers) {
  BOOST_TEST(code_of_fork([] {
    rlim_t const few = observe::open_descriptors() + 40;
    rlimit const l{few, few};
    CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &l) == 0);
    int expected = 0;
    for (int r : px::pmap([](int n) { return n; }, numbers(500), {.workers = 30})) CHILD_CHECK(r == expected++);
    CHILD_CHECK(expected == 500);
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(without_processes_there_are_fewer_workers_or_a_clear_error) {
  for (rlim_t const limit : {1, 2, 3, 5}) {
    int const code = code_of_fork([&] {
      rlimit const l{limit, limit};
      if (processes::thread_sanitized) return 77;  // each process has a thread of its own, which counts as well
      if (::geteuid() != 0 || ::setrlimit(RLIMIT_NPROC, &l) != 0 || ::setgid(54323) != 0 || ::setuid(54323) != 0)
        return 77;
      try {
        auto m = px::pmap([](int n) { return n; }, numbers(5000), {.workers = 11});
        if (limit == 2) {  // a nursery, and nothing from it
          CHILD_CHECK(!m.outcome_of(0) && !m.outcome_of(4999));
          return 0;
        }
        for (std::size_t i : {0, 4999}) CHILD_CHECK(m[i] == static_cast<int>(i));
      } catch (boost::system::system_error const& e) {
        CHILD_CHECK(limit == 1);
        CHILD_CHECK(e.code() == boost::system::errc::resource_unavailable_try_again);
      }
      return 0;
    });
    BOOST_TEST((code == 0 || code == 77), "limit " << limit << ", exit code " << code);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_child_of_the_users_own_refuses_and_harms_nobody) {
  auto m = px::pmap([](int n) { return n; }, numbers(10'000), {.workers = 2});
  BOOST_TEST(m[0] == 0);
  BOOST_TEST(code_of_fork([&] {
    try {
      (void)m[9999];
      return 1;
    } catch (px::error const& e) {
      CHILD_CHECK(e.code() == px::errc::foreign_process);
    }
    { auto const gone = std::move(m); }
    CHILD_CHECK(px::pmap([](int n) { return n; }, numbers(3)).to_vector() == (std::vector{0, 1, 2}));
    return 0;
  }) == 0);
  int expected = 0;
  for (int r : m) BOOST_TEST_REQUIRE(r == expected++);
  BOOST_TEST(expected == 10'000);
}

BOOST_AUTO_TEST_SUITE_END()
