#define BOOST_TEST_MODULE certificates
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

template <class F>
px::death_certificate certificate_of(F fn, px::pmap_options options = {.workers = 2}) {
  auto results = px::pmap(fn, std::vector<int>{0, 1, 2, 3}, options);
  px::death_certificate found;
  int deaths = 0;
  for (auto const& o : results.outcomes()) {
    if (o) continue;
    ++deaths;
    BOOST_TEST(o.index() == 2u);
    try {
      o.value();
    } catch (px::task_error const& e) {
      BOOST_REQUIRE(e.certificate());
      found = *e.certificate();
    }
  }
  BOOST_TEST(deaths == 1);
  return found;
}

[[gnu::noinline]] int read_from(int volatile* where) { return *where; }

[[gnu::noinline]] int crash_in_here(int n) {
  std::uintptr_t volatile nowhere = 0x18;  // the compiler is not to know
  if (n == 2) return read_from(reinterpret_cast<int*>(nowhere));
  return n;
}

[[gnu::noinline]] int without_end(int n) {
  char volatile room[4096];
  room[n % 4096] = static_cast<char>(n);
  return n < 0 ? 0 : without_end(n + 1) + room[0];
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(certificates, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_crash_tells_where_it_was_and_what_it_touched) {
  auto const c = certificate_of(crash_in_here);
  BOOST_TEST(c.status.signal() == SIGSEGV);
  BOOST_TEST((c.cause == px::death_cause::itself));
  BOOST_TEST(*c.task == 2u);
  BOOST_TEST(c.attempt == 1u);
  BOOST_TEST(c.killed_by == 0);
  BOOST_REQUIRE(c.fault_address);
  BOOST_TEST(*c.fault_address == 0x18u);
  BOOST_TEST(c.peak_memory > 0u);
  BOOST_TEST(!c.crash.empty());
  std::string const text = to_string(c);
  BOOST_TEST(text.find("read_from") != std::string::npos, text);
  BOOST_TEST(text.find("crash_in_here") != std::string::npos, text);
  BOOST_TEST(text.find("on_crash") == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(an_abort_tells_where_it_was) {
  auto const c = certificate_of([](int n) {
    if (n == 2) std::abort();
    return n;
  });
  BOOST_TEST(c.status.signal() == SIGABRT);
  BOOST_TEST(c.killed_by == 0);
  BOOST_TEST(!c.fault_address);
  BOOST_TEST(to_string(c).find("abort") != std::string::npos, to_string(c));
}

BOOST_AUTO_TEST_CASE(the_overflow_of_a_stack_is_noted_on_another_one, *boost::unit_test::enable_if<!observe::instrumented>()) {
  auto const c = certificate_of([](int n) { return n == 2 ? without_end(n) : n; });
  BOOST_TEST(c.status.signal() == SIGSEGV);
  BOOST_TEST(to_string(c).find("without_end") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_signal_that_was_sent_tells_by_whom) {
  auto const c = certificate_of([](int n) {
    if (n == 2) ::kill(::getpid(), SIGSEGV);
    return n;
  });
  BOOST_TEST(c.status.signal() == SIGSEGV);
  BOOST_TEST(c.killed_by == c.pid);
}

BOOST_AUTO_TEST_CASE(a_quiet_death_has_a_certificate_as_well) {
  auto const c = certificate_of([](int n) {
    if (n == 2) {
      std::cerr << "I cannot go on" << std::endl;
      ::_exit(3);
    }
    return n;
  });
  BOOST_TEST(c.status.code() == 3);
  BOOST_TEST(c.stderr_tail == "I cannot go on\n");
  BOOST_TEST(c.crash.empty());
}

BOOST_AUTO_TEST_CASE(a_task_that_took_too_long_has_one) {
  auto const c = certificate_of(
      [](int n) {
        while (n == 2) ::pause();
        return n;
      },
      {.workers = 2, .task_timeout = 100ms});
  BOOST_TEST((c.cause == px::death_cause::timeout));
  BOOST_TEST(c.status.signal() == SIGTERM);
}

/// A control group with little memory, where one may be made.
class poor_group {
 public:
  poor_group() {
    for (char const* const root : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}) {
      path_ = root + std::string("/procx-test-") + std::to_string(::getpid());
      if (::mkdir(path_.c_str(), 0700) != 0) continue;
      for (char const* const limit : {"memory.max", "memory.limit_in_bytes"})
        if (write(limit, "100000000")) return;
      ::rmdir(path_.c_str());
    }
    path_.clear();
  }
  ~poor_group() { ::rmdir(path_.c_str()); }
  explicit operator bool() const { return !path_.empty(); }
  bool write(char const* file, std::string const& text) const {
    if (::access((path_ + '/' + file).c_str(), W_OK) != 0) return false;
    std::ofstream out(path_ + '/' + file);
    return static_cast<bool>(out << text << std::flush);
  }

 private:
  std::string path_;
};

BOOST_AUTO_TEST_CASE(the_killer_that_comes_when_memory_runs_out_is_recognised,
                     *boost::unit_test::enable_if<!observe::instrumented>()) {
  poor_group const group;
  if (!group) {
    BOOST_TEST_MESSAGE("no control group with a limit of memory can be made here");
    return;
  }
  BOOST_TEST(processes::code_of_fork([&] {
    if (!group.write("cgroup.procs", std::to_string(::getpid()))) return 2;
    auto greedy = [](int n) {
      if (n == 1) std::string(400 << 20, 'x').back();
      return n;
    };
    int good = 0;
    auto r = px::pmap(greedy, std::vector<int>{0, 1, 2}, {.workers = 1});
    for (auto const& o : r.outcomes()) try {
        good += o.value() == static_cast<int>(o.index());
      } catch (px::process_died const& e) {
        if (e.certificate()->cause == px::death_cause::out_of_memory && o.index() == 1) good += 10;
      }
    return good == 12 ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(the_attempt_is_counted) {
  auto const c = certificate_of(
      [](int n) {
        if (n == 2) ::raise(SIGKILL);
        return n;
      },
      {.workers = 2, .retries = 2});
  BOOST_TEST(c.attempt == 3u);
  BOOST_TEST((c.cause == px::death_cause::itself));
}

BOOST_AUTO_TEST_CASE(in_a_pool_the_task_is_how_many_were_submitted_before_it) {
  px::process_pool pool({.workers = 1});
  auto first = pool.submit([](int n) { return n; }, 1);
  auto second = pool.submit([](int) -> int { std::abort(); }, 2);
  BOOST_TEST(first.get() == 1);
  try {
    second.get();
    BOOST_TEST(false);
  } catch (px::process_died const& e) {
    BOOST_TEST(*e.certificate()->task == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_started_process_has_one_too) {
  auto ch = px::start([](px::channel&) { ::_exit(5); });
  try {
    ch.receive<int>();
    BOOST_TEST(false);
  } catch (px::process_died const& e) {
    BOOST_TEST(e.certificate()->status.code() == 5);
    BOOST_TEST(e.certificate()->peak_memory > 0u);
    BOOST_TEST(!e.certificate()->task);
  }
}

BOOST_AUTO_TEST_SUITE_END()
