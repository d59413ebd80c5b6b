#define BOOST_TEST_MODULE faults
#include "channel/channel_core.hpp"
#include "support/foreign.hpp"
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
using observe::gate;
using processes::code_of_fork;

namespace {

using fault = std::function<void(px::channel&)>;
constexpr std::size_t tasks = 12;

/// Every third task does it; each of the others must have its value, and each of these what `expected` throws.
template <class Expected>
void costs_only_itself(fault const& what, px::exchange_options options = {}) {
  for (int const limit : {1, 2, 11}) {
    options.limit = limit;
    px::map<std::string> m(options);
    for (std::size_t i = 0; i < tasks; ++i)
      m.start([&, i](px::channel& up) {
        if (i % 3 == 1) what(up);
        else up.send(std::to_string(i));
      });
    for (std::size_t i = 0; i < tasks; ++i)
      BOOST_TEST_CONTEXT("task " << i << " at limit " << limit) {
        if (i % 3 == 1) BOOST_CHECK_THROW(m[i], Expected);
        else BOOST_TEST(m[i] == std::to_string(i));
      }
    BOOST_TEST(!m.unfinished());
  }
}

px::exit_status status_of(px::map<int>& m, std::size_t i) {
  try {
    (void)m[i];
  } catch (px::process_died const& e) {
    return e.status();
  }
  return {};
}

void write_garbage(px::channel& up) {
  std::string const garbage(100, '\xff');
  (void)!::write(up.core().wire().out_fd(), garbage.data(), garbage.size());
  ::pause();
}

void limit_descriptors(rlim_t count) {
  rlimit const l{count, count};
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &l) == 0);
}

/// As a user who has no other processes, and may have so many. False where that cannot be had, and where each process has
/// a thread of the sanitizer's, which counts as well.
bool limit_processes(rlim_t count) {
  if (processes::thread_sanitized || ::geteuid() != 0) return false;
  rlimit const l{count, count};
  return ::setrlimit(RLIMIT_NPROC, &l) == 0 && ::setgid(54321) == 0 && ::setuid(54321) == 0;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(an_exception) {
  costs_only_itself<px::remote_exception>([](px::channel&) { throw std::range_error("as it happens"); });
}

BOOST_AUTO_TEST_CASE(something_thrown_that_is_no_exception) {
  costs_only_itself<px::remote_exception>([](px::channel&) { throw 42; });
}

BOOST_AUTO_TEST_CASE(an_abort) {
  costs_only_itself<px::process_died>([](px::channel&) { ::abort(); });
}

BOOST_AUTO_TEST_CASE(a_kill) {
  costs_only_itself<px::process_died>([](px::channel&) { ::raise(SIGKILL); });
}

BOOST_AUTO_TEST_CASE(an_exit_without_an_answer) {
  costs_only_itself<px::process_died>([](px::channel&) { ::_exit(0); });
}

BOOST_AUTO_TEST_CASE(a_return_without_an_answer) {
  costs_only_itself<px::process_died>([](px::channel&) {});
}

BOOST_AUTO_TEST_CASE(garbage_on_the_channel) { costs_only_itself<px::protocol_error>(write_garbage); }

BOOST_AUTO_TEST_CASE(a_value_of_another_type) {
  costs_only_itself<px::protocol_error>([](px::channel& up) { up.send(std::vector<double>(100, -1.0)); });
}

BOOST_AUTO_TEST_CASE(a_result_that_is_too_large) {
  costs_only_itself<px::remote_exception>([](px::channel& up) { up.send(std::string(100'000, 'x')); },
                                          {.start = {.frame_limit = 10'000}});
}

BOOST_AUTO_TEST_CASE(all_of_them_in_reused_processes) {
  std::vector<std::function<int()>> const faults{[]() -> int { throw std::range_error("x"); },
                                                 []() -> int { throw 42; },
                                                 []() -> int { ::abort(); },
                                                 []() -> int { return ::raise(SIGKILL); },
                                                 []() -> int { ::_exit(0); },
                                                 []() -> int { ::_exit(3); }};
  for (int const limit : {1, 2, 11}) {
    px::map<int> m({.limit = limit, .reuse = true});
    m(px::make_reusable([&](std::size_t i) { return i % 2 ? faults[i / 2]() : static_cast<int>(i); }),
      std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    for (std::size_t i = 0; i <= 12; i += 2) BOOST_TEST(m[i] == static_cast<int>(i));
    BOOST_CHECK_THROW(m[1], px::remote_exception);
    BOOST_CHECK_THROW(m[3], px::remote_exception);
    BOOST_TEST(status_of(m, 5).signal() == SIGABRT);
    BOOST_TEST(status_of(m, 7).signal() == SIGKILL);
    BOOST_TEST(status_of(m, 9).success());
    BOOST_TEST(status_of(m, 11).code() == 3);
  }
}

BOOST_AUTO_TEST_CASE(results_too_large_for_a_frame_are_refused_by_reused_processes_too) {
  px::map<std::string> m({.limit = 2, .reuse = true, .start = {.frame_limit = 10'000}});
  m(px::make_reusable([](std::size_t n) { return std::string(n, 'x'); }), std::vector<std::size_t>{10, 100'000, 20});
  BOOST_TEST(m[0].size() == 10u);
  BOOST_CHECK_THROW(m[1], px::remote_exception);
  BOOST_TEST(m[2].size() == 20u);
  BOOST_CHECK_THROW(m.start(px::make_reusable([](std::string const& s) { return s; }), std::string(20'000, 'y')),
                    px::protocol_error);
  BOOST_CHECK_THROW(m[3], std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_process_that_forks_and_goes_on_twice_answers_once) {
  for (int const limit : {1, 2, 11}) {
    px::map<int> m({.limit = limit});
    for (int i = 0; i < 11; ++i)
      m.start(px::make_parallel([](int n) {
        pid_t const copy = ::fork();
        if (copy) ::waitpid(copy, nullptr, 0);  // the copy would answer first
        return n;
      }), i);
    int expected = 0;
    for (int r : m) BOOST_TEST(r == expected++);
    BOOST_TEST(expected == 11);
  }
}

BOOST_AUTO_TEST_CASE(a_process_that_closes_its_channel_and_lives_on_is_not_waited_for) {
  gate held;
  px::map<int> m({.limit = 1});
  m.start([&](px::channel& up) {
    up.close();
    held.wait();
  });
  m.start(px::make_parallel([](int n) { return n; }), 5);
  BOOST_TEST(m[1] == 5);
  BOOST_CHECK_THROW(m[0], px::task_error);
  held.open();
}

BOOST_AUTO_TEST_CASE(what_it_wrote_to_its_standard_error_is_told) {
  processes::stderr_capture quiet;
  px::map<int> m;
  m.start([](px::channel&) {
    std::cerr << "last words" << std::endl;
    ::raise(SIGKILL);
  });
  BOOST_CHECK_EXCEPTION(m[0], px::process_died,
                        [](auto const& e) { return e.stderr_tail().find("last words") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(without_descriptors_the_work_goes_on_with_fewer_processes) {
  BOOST_TEST(code_of_fork([] {
    for (bool const reuse : {false, true}) {
      limit_descriptors(observe::open_descriptors() + 28);
      px::map<int> m({.limit = 30, .reuse = reuse});
      for (int i = 0; i < 60; ++i) m.start(px::make_reusable([](int n) { return n; }), i);
      CHILD_CHECK(m.active().size() < 15);
      int expected = 0;
      for (int r : m) CHILD_CHECK(r == expected++);
      CHILD_CHECK(expected == 60);
    }
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(without_any_descriptor_there_is_a_clear_error_and_nothing_is_lost) {
  BOOST_TEST(code_of_fork([] {
    px::queue<int> q({.limit = 2});
    limit_descriptors(observe::open_descriptors() + 1);
    try {
      q.start(px::make_parallel([](int n) { return n; }), 1);
      return 2;
    } catch (boost::system::system_error const& e) {
      CHILD_CHECK(e.code() == boost::system::errc::too_many_files_open);
    }
    CHILD_CHECK(!q.unfinished());
    CHILD_CHECK(!q.next());
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(without_processes_the_work_goes_on_with_fewer) {
  for (rlim_t const limit : {2, 4}) {
    int const code = code_of_fork([&] {
      if (!limit_processes(limit)) return 77;
      px::map<int> m({.limit = 11});
      for (int i = 0; i < 30; ++i) m.start(px::make_parallel([](int n) { return n; }), i);
      CHILD_CHECK(m.active().size() < limit);
      int expected = 0;
      for (int r : m) CHILD_CHECK(r == expected++);
      CHILD_CHECK(expected == 30);
      return 0;
    });
    BOOST_TEST((code == 0 || code == 77), "exit code " << code);
  }
}

BOOST_AUTO_TEST_CASE(without_processes_reused_ones_are_fewer_too) {
  int const code = code_of_fork([&] {
    if (!limit_processes(4)) return 77;
    px::map<int> m({.limit = 11, .reuse = true});
    for (int i = 0; i < 30; ++i) m.start(px::make_reusable([](int n) { return n; }), i);
    int expected = 0;
    for (int r : m) CHILD_CHECK(r == expected++);
    CHILD_CHECK(expected == 30);
    return 0;
  });
  BOOST_TEST((code == 0 || code == 77), "exit code " << code);
}

BOOST_AUTO_TEST_CASE(without_any_process_there_is_a_clear_error) {
  int const code = code_of_fork([&] {
    if (!limit_processes(1)) return 77;
    px::map<int> m({.limit = 2});
    try {
      m.start(px::make_parallel([](int n) { return n; }), 1);
      return 2;
    } catch (boost::system::system_error const& e) {
      CHILD_CHECK(e.code() == boost::system::errc::resource_unavailable_try_again);
    }
    px::map<int> reused({.limit = 2, .reuse = true});
    reused.start(px::make_reusable([](int n) { return n; }), 1);
    try {
      (void)reused[0];
      return 3;
    } catch (boost::system::system_error const& e) {
      CHILD_CHECK(e.code() == boost::system::errc::resource_unavailable_try_again);
    }
    return 0;
  });
  BOOST_TEST((code == 0 || code == 77), "exit code " << code);
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_child_of_the_users_own_refuses_and_harms_nobody) {
  for (bool const reuse : {false, true}) {
    gate held;
    px::map<int> m({.limit = 2, .reuse = reuse});
    auto const f = m.manage(px::make_reusable([&](int n) {
      held.wait();
      return n;
    }));
    for (int i = 0; i < 6; ++i) f(i);
    int const code = code_of_fork([&] {
      CHILD_CHECK(is_refused_as_foreign([&] { f(1); }));
      CHILD_CHECK(is_refused_as_foreign([&] { m.start([](px::channel&) {}); }));
      CHILD_CHECK(is_refused_as_foreign([&] { m.finish(); }));
      CHILD_CHECK(is_refused_as_foreign([&] { m.ready(); }));
      CHILD_CHECK(is_refused_as_foreign([&] { m.create(); }));
      CHILD_CHECK(is_refused_as_foreign([&] { (void)m[0]; }));
      m.~map();
      new (&m) px::map<int>({.limit = 1});  // its own is as good as any
      m.start(px::make_parallel([](int n) { return n; }), 9);
      CHILD_CHECK(m[0] == 9);
      return 0;
    });
    BOOST_TEST(code == 0);
    held.open();
    int expected = 0;
    for (int r : m) BOOST_TEST(r == expected++);
    BOOST_TEST(expected == 6);
  }
}

BOOST_AUTO_TEST_SUITE_END()
