#define BOOST_TEST_MODULE process
#include <procx/process/process.hpp>

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace processes;
using namespace std::chrono_literals;
using procx::exit_status;
using procx::process;

namespace {

process created(std::function<int()> const& body, bool capture_stderr = false) {
  return process(procx::detail::fork_process({.capture_stderr = capture_stderr}, body));
}

/// A process that lives until `end` is called, or its test is over.
struct waiting_process {
  own_pipe gate;
  process child = created([this] {
    gate.write.close();
    read_all(gate.read.get());
    return 7;
  });
  void end() { gate.write.close(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(processes_created)

BOOST_AUTO_TEST_CASE(an_exit_code_arrives_as_it_is) {
  for (int code : {0, 1, 3, 42, 255}) {
    exit_status const status = created([=] { return code; }).wait();
    BOOST_TEST(status == exit_status::of_code(code));
    BOOST_TEST(status.success() == (code == 0));
  }
}

BOOST_AUTO_TEST_CASE(a_signal_arrives_as_it_is) {
  for (int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGUSR1, SIGPIPE}) {
    process child = created([=] {
      rlimit const no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      ::signal(signal, SIG_DFL);  // a sanitizer may have its own idea
      return ::raise(signal);
    });
    exit_status const status = child.wait();
    BOOST_TEST(status.signaled());
    BOOST_TEST(status.signal() == signal);
    BOOST_TEST(!status.success());
  }
}

BOOST_AUTO_TEST_CASE(an_exception_that_leaves_the_body_is_exit_code_1) {
  BOOST_TEST(created([]() -> int { throw 1; }).wait() == exit_status::of_code(1));
}

BOOST_AUTO_TEST_CASE(one_that_runs_has_no_status_yet) {
  waiting_process p;
  BOOST_TEST(p.child.pid() > 0);
  BOOST_TEST(!p.child.try_wait());
  BOOST_TEST(!p.child.wait_for(0s));
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!p.child.wait_for(20ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 20ms));
  BOOST_TEST(!readable(p.child.pidfd(), 0ms));
  p.end();
  BOOST_TEST(readable(p.child.pidfd()));
  BOOST_TEST(p.child.try_wait().value() == exit_status::of_code(7));
}

BOOST_AUTO_TEST_CASE(the_status_can_be_asked_for_again_and_again) {
  waiting_process p;
  p.end();
  BOOST_TEST(p.child.wait() == exit_status::of_code(7));
  BOOST_TEST(p.child.wait() == exit_status::of_code(7));
  BOOST_TEST(p.child.try_wait().value() == exit_status::of_code(7));
  BOOST_TEST(p.child.wait_for(0s).value() == exit_status::of_code(7));
}

BOOST_AUTO_TEST_CASE(a_signal_is_sent_while_it_lives_and_refused_afterwards) {
  waiting_process p;
  BOOST_TEST(p.child.kill(0));
  BOOST_TEST(p.child.kill(SIGTERM));
  BOOST_TEST(p.child.wait() == exit_status::of_signal(SIGTERM));
  BOOST_TEST(!p.child.kill(SIGTERM));
}

BOOST_AUTO_TEST_CASE(moving_takes_the_process_along) {
  waiting_process p;
  pid_t const pid = p.child.pid();
  process other = std::move(p.child);
  BOOST_TEST(!p.child);
  BOOST_TEST(p.child.pid() == 0);
  BOOST_TEST(!p.child.kill(SIGTERM));
  BOOST_TEST(other.pid() == pid);
  p.end();
  BOOST_TEST(other.wait().code() == 7);
}

BOOST_AUTO_TEST_CASE(many_live_at_once_and_each_has_its_own_status) {
  for (std::size_t count : {1u, 2u, 11u}) {
    std::vector<process> children;
    for (std::size_t i = 0; i < count; ++i) children.push_back(created([=] { return static_cast<int>(i + 1); }));
    while (!children.empty()) {
      BOOST_TEST(children.back().wait().code() == static_cast<int>(children.size()));
      children.pop_back();
    }
  }
}

BOOST_AUTO_TEST_CASE(abandoned_ones_are_reaped_when_another_is_started) {
  std::vector<pid_t> pids;
  std::vector<own_fd> ends;
  own_pipe gate;
  for (int i = 0; i < 11; ++i) {
    process child = created([&] {
      gate.write.close();
      read_all(gate.read.get());
      return 0;
    });
    pids.push_back(child.pid());
    ends.push_back(pidfd_of(child.pid()));
  }
  for (pid_t pid : pids) BOOST_TEST(state_of(pid) != 0);  // they run on
  gate.write.close();
  for (own_fd const& end : ends) BOOST_TEST(readable(end.get()));
  BOOST_TEST(std::ranges::count(pids, 'Z', state_of) == 11);
  created([] { return 0; }).wait();
  BOOST_TEST(std::ranges::count(pids, 'Z', state_of) == 0);
}

BOOST_AUTO_TEST_CASE(a_process_that_somebody_else_has_reaped_has_an_unknown_status) {
  process child = created([] { return 3; });
  int status = 0;
  BOOST_TEST(::waitpid(child.pid(), &status, 0) == child.pid());
  BOOST_TEST(!child.wait().known());
  BOOST_TEST(!child.kill(SIGTERM));
  BOOST_TEST(child.wait().to_string() == "ended, nobody knows how");
}

BOOST_AUTO_TEST_CASE(where_sigchld_is_ignored_the_end_is_seen_all_the_same) {
  BOOST_TEST(code_of_fork([] {
    ::signal(SIGCHLD, SIG_IGN);
    process child = created([] { return 3; });
    exit_status const status = child.wait();
    CHILD_CHECK(!status.known() || status.code() == 3);
    waiting_process p;
    CHILD_CHECK(!p.child.try_wait());
    CHILD_CHECK(p.child.kill(SIGKILL));
    CHILD_CHECK(p.child.wait_for(10s));
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(no_signal_handler_of_the_users_is_taken) {
  struct sigaction before {}, after {};
  ::sigaction(SIGCHLD, nullptr, &before);
  created([] { return 0; }).wait();
  ::sigaction(SIGCHLD, nullptr, &after);
  BOOST_TEST((before.sa_handler == after.sa_handler));
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  for (int signal : {SIGCHLD, SIGPIPE, SIGINT}) BOOST_TEST(::sigismember(&mask, signal) == 0);
}

BOOST_AUTO_TEST_CASE(where_no_descriptor_is_left_the_system_says_so_and_no_process_stays) {
  if (address_sanitized) return;  // its checks need descriptors themselves
  BOOST_TEST(code_of_fork([] {
    created([] { return 0; }).wait();  // the limit has been raised
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    int const lowest = ::dup(0);
    ::close(lowest);
    for (rlim_t more : {0, 1}) {  // a pipe for its standard error, one end of which gives way to the pidfd
      limit.rlim_cur = static_cast<rlim_t>(lowest) + more;
      ::setrlimit(RLIMIT_NOFILE, &limit);
      bool refused = false;
      try {
        created([] { return 0; }, true);
      } catch (boost::system::system_error const& e) {
        refused = e.code() == boost::system::errc::too_many_files_open;
      }
      CHILD_CHECK(refused);
      CHILD_CHECK(!is_open(lowest) && !is_open(lowest + 1));
      CHILD_CHECK(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
    }
    limit.rlim_cur = static_cast<rlim_t>(lowest) + 2;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return created([] { return 0; }, true).wait().code();
  }) == 0);
}

BOOST_AUTO_TEST_CASE(where_there_is_no_room_for_a_process_the_system_says_so) {
  BOOST_TEST(code_of_fork([] {
    if (::getuid() == 0) {  // root has no limit
      constexpr uid_t nobody_else = 54321;
      CHILD_CHECK(::setgid(nobody_else) == 0 && ::setuid(nobody_else) == 0);
    }
    rlimit const none{0, 0};
    CHILD_CHECK(::setrlimit(RLIMIT_NPROC, &none) == 0);
    for (int i = 0; i < 3; ++i) {
      int const next = ::dup(0);
      ::close(next);
      try {
        created([] { return 0; }, true);
        return 2;
      } catch (boost::system::system_error const& e) {
        CHILD_CHECK(e.code() == boost::system::errc::resource_unavailable_try_again);
      }
      CHILD_CHECK(!is_open(next));  // nothing has leaked
    }
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(the_seed_differs_in_every_process_and_stays_in_each) {
  std::set<std::uint64_t> seeds{procx::worker_seed()};
  BOOST_TEST(procx::worker_seed() == *seeds.begin());
  for (int i = 0; i < 11; ++i) {
    own_pipe pipe;
    process child = created([&] {
      std::uint64_t const twice[2] = {procx::worker_seed(), procx::worker_seed()};
      return ::write(pipe.write.get(), twice, sizeof twice) == sizeof twice ? 0 : 1;
    });
    std::string const bytes = read_exactly(pipe.read.get(), 2 * sizeof(std::uint64_t));
    BOOST_TEST(bytes.substr(0, 8) == bytes.substr(8));
    std::uint64_t seed = 0;
    std::memcpy(&seed, bytes.data(), sizeof seed);
    BOOST_TEST(seeds.insert(seed).second);
    BOOST_TEST(child.wait().success());
  }
}

BOOST_AUTO_TEST_SUITE_END()
