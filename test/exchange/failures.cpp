#define BOOST_TEST_MODULE failures
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

// A task that only succeeds at its third attempt, whatever process runs it; it throws or dies before.
auto third_time_lucky(observe::shared<std::atomic<int>> const& attempts, bool dies) {
  return [counter = &*attempts, dies](int n) {
    if (++*counter % 3 != 0) {
      if (dies) ::raise(SIGKILL);
      throw std::runtime_error("not yet");
    }
    return n * n;
  };
}

template <class E, class F>
bool ends_with(px::outcome<int> const& o, F check) {
  try {
    if (!o) std::rethrow_exception(o.error());
  } catch (E const& e) {
    return check(e);
  } catch (...) {
  }
  return false;
}

px::outcome<int> only_outcome(px::queue<int>& q) {
  std::vector<px::outcome<int>> all;
  for (auto& o : q.outcomes()) all.push_back(std::move(o));
  BOOST_REQUIRE(all.size() == 1u);
  return std::move(all.front());
}

[[gnu::noinline]] int crash_in_here(int n) {
  std::uintptr_t volatile nowhere = 0x18;  // the compiler is not to know
  return *reinterpret_cast<int volatile*>(nowhere) + n;
}

std::string trace_of(px::outcome<int> const& o) {
  std::string text;
  ends_with<px::process_died>(o, [&](px::process_died const& e) {
    text = to_string(*e.certificate());
    return true;
  });
  return text;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(failures_in_exchanges, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_task_that_fails_is_tried_again) {
  for (bool const dies : {false, true})
    for (auto const backoff : {0ms, 5ms}) {
      observe::shared<std::atomic<int>> const attempts;
      px::queue<int> q({.limit = 1, .retries = 2, .backoff = backoff});
      q.start(px::make_parallel(third_time_lucky(attempts, dies)), 7);
      auto const o = only_outcome(q);
      BOOST_TEST(*o == 49);
      BOOST_TEST(o.index() == 0u);
      BOOST_TEST(*attempts == 3);
    }
}

BOOST_AUTO_TEST_CASE(so_is_one_that_any_worker_can_run) {
  for (bool const dies : {false, true}) {
    observe::shared<std::atomic<int>> const attempts;
    px::queue<int> q({.limit = 1, .reuse = true, .retries = 2, .backoff = 1ms});
    q.start(px::make_reusable(third_time_lucky(attempts, dies)), 7);
    BOOST_TEST(*only_outcome(q) == 49);
    BOOST_TEST(*attempts == 3);
  }
}

BOOST_AUTO_TEST_CASE(so_is_one_of_a_callable_with_a_channel_that_is_reused) {
  observe::shared<std::atomic<int>> const attempts;
  px::map<int> m({.limit = 1, .reuse = true, .retries = 1});
  auto* const counter = &*attempts;
  auto const square = [counter](px::channel& up, int n) {
    for (std::optional<std::tuple<int>> next{n}; next; next = up.receive<std::optional<std::tuple<int>>>()) {
      if (std::get<0>(*next) == 3 && ++*counter == 1) ::raise(SIGSEGV);
      up.send(std::get<0>(*next) * std::get<0>(*next));
    }
  };
  auto const work = m.manage(square);
  for (int n = 0; n < 6; ++n) work(n);
  int n = 0;
  for (int const r : m) {
    BOOST_TEST(r == n * n);
    ++n;
  }
  BOOST_TEST(n == 6);
  BOOST_TEST(*attempts == 2);
}

BOOST_AUTO_TEST_CASE(when_all_attempts_are_used_up_the_last_failure_is_told) {
  px::queue<int> q({.limit = 2, .retries = 2});
  q.start(px::make_parallel([](int n) { return n; }), 0);
  q.start(px::make_parallel([](int n) -> int { ::_exit(n); }), 5);
  bool told = false;
  for (auto const& o : q.outcomes())
    if (o.index() == 1)
      told = ends_with<px::process_died>(o, [](px::process_died const& e) {
        auto const& c = *e.certificate();
        return c.status.code() == 5 && c.task == 1u && c.attempt == 3 && c.cause == px::death_cause::itself;
      });
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_CASE(a_crash_tells_where_it_was) {
  for (int i = 0; i < 3; ++i) {  // in the same piece of memory, if it is used again
    px::queue<int> q;
    q.start(px::make_parallel(crash_in_here), 1);
    auto const text = trace_of(only_outcome(q));
    BOOST_TEST(text.find("crash_in_here") != std::string::npos, text);
    BOOST_TEST(text.find("0x18") != std::string::npos, text);
  }
  px::queue<int> q;
  q.start(px::make_parallel([](int n) -> int { ::_exit(n); }), 1);
  BOOST_TEST(trace_of(only_outcome(q)).find("crash") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(so_does_one_in_a_process_of_a_process) {
  px::queue<std::string> outer;
  outer.start(px::make_parallel([] {
    px::queue<int> inner;
    inner.start(px::make_parallel(crash_in_here), 1);
    return trace_of(only_outcome(inner));
  }));
  auto const text = *outer.next();
  BOOST_TEST(text.find("crash_in_here") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_long_is_stopped) {
  for (bool const reuse : {false, true}) {
    px::queue<int> q({.limit = 1, .reuse = reuse, .retries = 3, .task_timeout = 50ms});
    auto const work = q.manage(px::make_reusable([](int n) {
      if (n == 1)
        for (;;) ::pause();
      return n;
    }));
    for (int n = 0; n < 4; ++n) work(n);
    std::set<std::size_t> good;
    bool told = false;
    for (auto const& o : q.outcomes())
      if (o)
        good.insert(o.index());
      else
        told = ends_with<px::task_timeout>(o, [](px::task_timeout const& e) { return e.certificate()->task == 1u; });
    BOOST_TEST(told);
    BOOST_TEST((good == std::set<std::size_t>{0, 2, 3}));
  }
}

BOOST_AUTO_TEST_CASE(waiting_for_ones_turn_does_not_count) {
  px::queue<int> q({.limit = 1, .task_timeout = 10s});
  auto const work = q.manage(px::make_parallel([](int n) {
    ::usleep(20'000);
    return n;
  }));
  for (int n = 0; n < 5; ++n) work(n);
  int got = 0;
  for (int const n : q) got += n >= 0;
  BOOST_TEST(got == 5);
}

BOOST_AUTO_TEST_CASE(there_is_a_moment_to_clean_up_first) {
  observe::shared<std::atomic<int>> const cleaned;
  auto* const counter = &*cleaned;
  px::queue<int> q({.task_timeout = 30ms, .grace = 20s});
  q.start(px::make_parallel([counter](int n) {
            sigset_t term;
            ::sigemptyset(&term);
            ::sigaddset(&term, SIGTERM);
            ::sigprocmask(SIG_BLOCK, &term, nullptr);
            int signal = 0;
            ::sigwait(&term, &signal);
            ++*counter;
            ::_exit(n);
            return n;
          }),
          4);
  auto const o = only_outcome(q);
  BOOST_TEST(ends_with<px::task_timeout>(o, [](px::task_timeout const& e) { return e.certificate()->status.code() == 4; }));
  BOOST_TEST(*cleaned == 1);
}

BOOST_AUTO_TEST_CASE(after_that_moment_it_is_killed) {
  px::queue<int> q({.task_timeout = 20ms, .grace = 20ms});
  q.start(px::make_parallel([](int n) {
            std::signal(SIGTERM, SIG_IGN);
            for (;;) ::pause();
            return n;
          }),
          4);
  auto const o = only_outcome(q);
  BOOST_TEST(ends_with<px::task_timeout>(
      o, [](px::task_timeout const& e) { return e.certificate()->status.signal() == SIGKILL; }));
}

BOOST_AUTO_TEST_CASE(memory_is_limited) {
  px::queue<int> q({.limit = 1, .memory_limit = std::size_t{64} << 20});
  auto const work = q.manage(px::make_parallel([](int mib) {
    std::vector<char> const memory(static_cast<std::size_t>(mib) << 20, 'x');
    ::usleep(200'000);  // where allocation cannot be limited, somebody looks
    return static_cast<int>(memory.size() >> 20);
  }));
  work(8);
  work(256);
  for (auto const& o : q.outcomes())
    if (o.index() == 0)
      BOOST_TEST(*o == 8);
    else
      BOOST_TEST((ends_with<px::remote_exception>(
                      o, [](px::remote_exception const& e) { return e.type_name() == "std::bad_alloc"; }) ||
                  ends_with<px::process_died>(o, [](px::process_died const& e) {
                    return e.certificate()->cause == px::death_cause::memory_limit;
                  })));
}

BOOST_AUTO_TEST_CASE(processes_have_the_limits_they_are_given) {
  px::worker_limits limits;
  limits.niceness = 3;
  limits.processors = {0};
  limits.resources = {{RLIMIT_NOFILE, 100}};
  int const here = ::getpriority(PRIO_PROCESS, 0);
  px::queue<std::vector<int>> q({.limits = limits});
  q.start(px::make_parallel([] {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    return std::vector{::getpriority(PRIO_PROCESS, 0), ::sched_getcpu(), static_cast<int>(files.rlim_cur)};
  }));
  BOOST_TEST((*q.next() == std::vector{here + 3, 0, 100}));
}

BOOST_AUTO_TEST_CASE(limits_that_the_system_refuses_are_an_error_of_the_task) {
  px::worker_limits limits;
  limits.processors = {1000};
  px::queue<int> q({.limits = limits});
  q.start(px::make_parallel([](int n) { return n; }), 1);
  auto const o = only_outcome(q);
  BOOST_TEST(ends_with<px::remote_exception>(o, [](px::remote_exception const& e) {
    return std::string(e.what()).find("cannot choose these processors") != std::string::npos;
  }));
}

BOOST_AUTO_TEST_CASE(a_process_that_is_reused_is_kept_for_so_many_tasks) {
  px::worker_limits limits;
  limits.recycle_after_tasks = 2;
  for (bool const with_channel : {false, true}) {
    px::queue<int> q({.limit = 1, .reuse = true, .limits = limits});
    auto const looped = [](px::channel& up, int n) {
      for (std::optional<std::tuple<int>> next{n}; next; next = up.receive<std::optional<std::tuple<int>>>())
        up.send(static_cast<int>(::getpid()));
    };
    auto const plain = [](int) { return static_cast<int>(::getpid()); };
    for (int n = 0; n < 6; ++n) {
      if (with_channel)
        q.start(looped, n);
      else
        q.start(px::make_reusable(plain), n);
    }
    std::multiset<int> pids;
    for (int const pid : q) pids.insert(pid);
    BOOST_TEST(pids.size() == 6u);
    for (int const pid : pids) BOOST_TEST(pids.count(pid) == 2u);
  }
}

BOOST_AUTO_TEST_CASE(who_looks_after_the_channels_himself_is_told_by_receive) {
  px::exchange e({.task_timeout = 30ms, .grace = 0s});
  e.start(px::make_parallel([](int n) {
            for (;;) ::pause();
            return n;
          }),
          1);
  bool told = false;
  while (e.unfinished())
    for (px::channel& ch : e.ready()) try {
        ch.receive<int>();
      } catch (px::task_timeout const& late) {
        told = late.certificate()->status.signal() == SIGKILL;
      }
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_CASE(on_an_executor_it_is_the_same) {
  boost::asio::io_context context;
  observe::shared<std::atomic<int>> const attempts;
  {
    px::queue<int> q(context, {.limit = 2, .retries = 2, .backoff = 2ms, .task_timeout = 100ms, .grace = 0s});
    q.start(px::make_parallel(third_time_lucky(attempts, true)), 7);
    q.start(px::make_parallel([](int n) {
              for (;;) ::pause();
              return n;
            }),
            1);
    q.async_finish([](std::exception_ptr) {});
    context.run();
    int good = 0, late = 0;
    while (auto* const o = q.next_outcome())
      if (*o)
        good += **o == 49;
      else
        late += ends_with<px::task_timeout>(*o, [](auto const&) { return true; });
    BOOST_TEST(good == 1);
    BOOST_TEST(late == 1);
  }
  context.restart();
  context.run();
}

BOOST_AUTO_TEST_SUITE_END()
