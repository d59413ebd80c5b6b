#define BOOST_TEST_MODULE nursery
#include "process/nursery.hpp"

#include "support/processes.hpp"

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>

using namespace procx::detail;
using namespace processes;
using namespace std::chrono_literals;
using procx::exit_status;

namespace {

auto bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What the processes of these nurseries do: their message says it. "code 3", "signal 15", "wait" for the end of the
/// first descriptor, "count" the descriptors that are open, or "parent": is the nursery its parent?
int obey(nursery_order const& order) {
  std::string const text(reinterpret_cast<char const*>(order.message.data()), order.message.size());
  if (text.starts_with("code ")) return std::stoi(text.substr(5));
  if (text.starts_with("signal ")) {
    ::signal(std::stoi(text.substr(7)), SIG_DFL);
    ::raise(std::stoi(text.substr(7)));
  }
  if (text.starts_with("say ")) return std::cerr << text.substr(4) << std::flush, 0;
  if (text == "wait") return read_all(order.descriptors[0].get()), 9;
  if (text == "pid") {
    pid_t const ids[2] = {::getpid(), ::getppid()};
    return ::write(order.descriptors[0].get(), ids, sizeof ids) == sizeof ids ? 0 : 1;
  }
  if (text == "count") {
    int n = 0;
    for (int fd = 3; fd < 256; ++fd) n += is_open(fd);
    return n;
  }
  return 99;
}

struct with_nursery {
  std::shared_ptr<nursery> home = nursery::make(obey);

  std::unique_ptr<process_state> spawn(std::string_view message, std::vector<descriptor> descriptors = {},
                                       captured what = captured::errors) {
    return home->spawn(bytes_of(message), std::move(descriptors), what);
  }
  std::unique_ptr<process_state> spawn_waiting(descriptor& gate) {
    auto ends = make_pipe();
    gate = std::move(ends.second);
    std::vector<descriptor> given;
    given.push_back(std::move(ends.first));
    return spawn("wait", std::move(given));
  }
};

int descriptors_open() {
  int n = 0;
  for (int fd = 0; fd < 256; ++fd) n += is_open(fd);
  return n;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(nurseries, with_nursery)

BOOST_AUTO_TEST_CASE(its_processes_do_what_the_message_says_and_end_as_they_will) {
  BOOST_TEST(home->alive());
  BOOST_TEST(home->pid() > 0);
  for (int code : {0, 3, 255})
    BOOST_TEST(*spawn("code " + std::to_string(code))->wait_until(std::nullopt) == exit_status::of_code(code));
  for (int signal : {SIGKILL, SIGTERM})
    BOOST_TEST(*spawn("signal " + std::to_string(signal))->wait_until(std::nullopt) == exit_status::of_signal(signal));
}

BOOST_AUTO_TEST_CASE(they_are_children_of_the_nursery) {
  auto ends = make_pipe();
  std::vector<descriptor> given;
  given.push_back(std::move(ends.second));
  auto const child = spawn("pid", std::move(given));
  std::string const bytes = read_exactly(ends.first.get(), 2 * sizeof(pid_t));
  pid_t ids[2] = {};
  std::memcpy(ids, bytes.data(), std::min(bytes.size(), sizeof ids));
  BOOST_TEST(ids[0] == child->pid());
  BOOST_TEST(ids[1] == home->pid());
  BOOST_TEST(child->wait_until(std::nullopt)->success());
}

BOOST_AUTO_TEST_CASE(they_hold_the_descriptors_they_were_given_and_no_others) {
  auto const other = make_pipe();
  int const inherited = spawn("count", {}, captured::nothing)->wait_until(std::nullopt)->code();  // of the test's own
  descriptor gate;
  auto const waiting = spawn_waiting(gate);
  BOOST_TEST(spawn("count", {}, captured::nothing)->wait_until(std::nullopt)->code() == inherited);
  BOOST_TEST(spawn("count", {}, captured::errors)->wait_until(std::nullopt)->code() == inherited);
  auto ends = make_pipe();
  std::vector<descriptor> given;
  given.push_back(std::move(ends.first));
  given.push_back(std::move(ends.second));
  BOOST_TEST(spawn("count", std::move(given))->wait_until(std::nullopt)->code() == inherited + 2);
  gate.close();
  BOOST_TEST(waiting->wait_until(std::nullopt)->code() == 9);
}

BOOST_AUTO_TEST_CASE(seven_descriptors_and_a_standard_error_fit) {
  std::vector<descriptor> given;
  int const inherited = spawn("count", {}, captured::nothing)->wait_until(std::nullopt)->code();
  while (given.size() < 7) {
    auto ends = make_pipe();
    given.push_back(std::move(ends.first));
  }
  BOOST_TEST(spawn("count", std::move(given))->wait_until(std::nullopt)->code() == inherited + 7);
}

BOOST_AUTO_TEST_CASE(their_last_words_are_kept) {
  stderr_capture capture;
  auto const child = spawn("say goodbye\n");
  child->wait_until(std::nullopt);
  BOOST_TEST(child->errors().tail() == "goodbye\n");
  child->wait_until(std::nullopt);
  home.reset();
  BOOST_TEST(child->status()->success());
}

BOOST_AUTO_TEST_CASE(many_live_at_once_and_are_waited_for_in_any_order) {
  for (std::size_t count : {1u, 2u, 11u}) {
    std::vector<std::unique_ptr<process_state>> children;
    std::vector<descriptor> gates(count);
    std::set<pid_t> pids;
    for (std::size_t i = 0; i < count; ++i) pids.insert((children.emplace_back(spawn_waiting(gates[i])))->pid());
    BOOST_TEST(pids.size() == count);
    BOOST_TEST(!children.back()->try_wait());
    for (std::size_t i = count; i-- > 0;) {
      gates[i].close();
      BOOST_TEST(children[i]->wait_until(std::nullopt)->code() == 9);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_one_is_told_though_others_are_started_meanwhile) {
  auto const first = spawn("code 5");
  BOOST_TEST(readable(first->pidfd()));
  for (int i = 0; i < 11; ++i) BOOST_TEST(spawn("code 6")->wait_until(std::nullopt)->code() == 6);
  BOOST_TEST(first->try_wait()->code() == 5);
}

BOOST_AUTO_TEST_CASE(signals_reach_them) {
  descriptor gate;
  auto const child = spawn_waiting(gate);
  BOOST_TEST(child->kill(SIGTERM));
  BOOST_TEST(*child->wait_until(std::nullopt) == exit_status::of_signal(SIGTERM));
  BOOST_TEST(!child->kill(SIGTERM));
}

BOOST_AUTO_TEST_CASE(it_may_be_used_by_many_threads) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        right += spawn("code " + std::to_string(10 * t + i))->wait_until(std::nullopt)->code() == 10 * t + i;
    });
  for (std::thread& t : threads) t.join();
  BOOST_TEST(right == 40);
}

BOOST_AUTO_TEST_CASE(nothing_leaks) {
  spawn("code 0")->wait_until(std::nullopt);
  int const before = descriptors_open();
  for (int i = 0; i < 20; ++i) spawn("code 0")->wait_until(std::nullopt);
  BOOST_TEST(descriptors_open() == before);
}

BOOST_AUTO_TEST_CASE(it_ends_with_its_last_owner_and_its_processes_with_it) {
  descriptor gate;
  auto child = spawn_waiting(gate);
  own_fd const end_of_child = pidfd_of(child->pid());
  own_fd const end_of_nursery = pidfd_of(home->pid());
  home.reset();  // a process that lives keeps it
  BOOST_TEST(!readable(end_of_nursery.get(), 0ms));
  BOOST_TEST(!readable(end_of_child.get(), 0ms));
  child.reset();
  BOOST_TEST(readable(end_of_nursery.get()));
  BOOST_TEST(readable(end_of_child.get()));
}

BOOST_AUTO_TEST_CASE(one_that_was_killed_says_so_and_takes_its_processes_along) {
  descriptor gate;
  auto const child = spawn_waiting(gate);
  auto const ended = spawn("code 4");
  BOOST_TEST(readable(ended->pidfd()));
  BOOST_TEST(::kill(home->pid(), SIGKILL) == 0);
  exit_status const status = *child->wait_until(std::nullopt);
  BOOST_TEST((!status.known() || status == exit_status::of_signal(SIGKILL)));  // who reaps it may tell nobody
  exit_status const before = *ended->wait_until(std::nullopt);
  BOOST_TEST((!before.known() || before.code() == 4));
  try {
    spawn("code 0");
    BOOST_ERROR("it has answered");
  } catch (boost::system::system_error const& e) {
    BOOST_TEST(e.code() == boost::system::errc::broken_pipe);
  }
  BOOST_TEST(!home->alive());
}

BOOST_AUTO_TEST_CASE(where_there_is_no_room_for_a_process_that_is_told_and_it_lives_on) {
  home.reset();
  BOOST_TEST(code_of_fork([] {
    if (::getuid() == 0) {  // root has no limit
      constexpr uid_t nobody_else = 54322;
      CHILD_CHECK(::setgid(nobody_else) == 0 && ::setuid(nobody_else) == 0);
    }
    auto const here = nursery::make(obey);
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    rlimit none = limit;
    none.rlim_cur = 0;
    CHILD_CHECK(::prlimit(here->pid(), RLIMIT_NPROC, &none, nullptr) == 0);
    int const before = descriptors_open();
    for (int i = 0; i < 3; ++i) try {
        here->spawn(bytes_of("code 0"), {});
        return 2;
      } catch (boost::system::system_error const& e) {
        CHILD_CHECK(e.code() == boost::system::errc::resource_unavailable_try_again);
      }
    CHILD_CHECK(here->alive() && descriptors_open() == before);
    CHILD_CHECK(::prlimit(here->pid(), RLIMIT_NPROC, &limit, nullptr) == 0);
    return here->spawn(bytes_of("code 0"), {})->wait_until(std::nullopt)->code();
  }) == 0);
}

BOOST_AUTO_TEST_CASE(where_the_nursery_has_no_descriptor_left_that_is_told_and_it_lives_on) {
  rlimit limit{};
  BOOST_TEST(::prlimit(home->pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
  rlimit few = limit;
  few.rlim_cur = 5;
  BOOST_TEST(::prlimit(home->pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  try {
    spawn("code 0");
    BOOST_ERROR("a process was started");
  } catch (boost::system::system_error const& e) {
    BOOST_TEST(e.code() == boost::system::errc::too_many_files_open);
  }
  BOOST_TEST(home->alive());
  BOOST_TEST(::prlimit(home->pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
  BOOST_TEST(spawn("code 0")->wait_until(std::nullopt)->success());
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_users_own_fork_ends_nothing) {
  descriptor gate;
  auto child = spawn_waiting(gate);
  BOOST_TEST(code_of_fork([&] {
    CHILD_CHECK(child->foreign() && !child->kill(SIGKILL));
    child.reset();
    home.reset();
    return 0;
  }) == 0);
  BOOST_TEST(!child->try_wait());
  BOOST_TEST(spawn("code 2")->wait_until(std::nullopt)->code() == 2);
  gate.close();
  BOOST_TEST(child->wait_until(std::nullopt)->code() == 9);
}

BOOST_AUTO_TEST_CASE(it_inherits_what_was_there_when_it_was_made_and_nothing_later) {
  int value = 1;
  auto const frozen = nursery::make([&](nursery_order const&) { return value; });
  value = 2;
  BOOST_TEST(frozen->spawn({}, {})->wait_until(std::nullopt)->code() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
