#define BOOST_TEST_MODULE process_group
#include "process/fork.hpp"
#include "process/nursery.hpp"

#include "support/observe.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>
#include <string>

#include <sys/prctl.h>

using namespace procx::detail;
using namespace processes;

namespace {

/// Forks by hand; the new process tells its pid and stays until it is killed. Returns when it has told.
void start_a_grandchild(int tell, bool leaves_the_group = false) {
  own_pipe told;
  pid_t const child = ::fork();
  if (child == 0) {
    if (leaves_the_group) ::setsid();
    pid_t const own = ::getpid();
    if (::write(tell, &own, sizeof own) != sizeof own) ::_exit(1);
    ::close(tell);
    told.write.close();
    ::alarm(60);  // should the test fail
    for (;;) ::pause();
  }
  told.write.close();
  read_all(told.read.get());
}

pid_t told(int from) {
  pid_t pid = 0;
  BOOST_REQUIRE(::read(from, &pid, sizeof pid) == sizeof pid);
  return pid;
}

/// A process made in either way whose body is this; it is given a descriptor to write to.
std::unique_ptr<process_state> made(bool by_nursery, descriptor& give, std::function<int(int)> body) {
  if (!by_nursery) {
    std::array<descriptor*, 1> const keep{&give};
    auto child = fork_process({.keep = keep}, [&] { return body(give.get()); });
    give.close();
    return child;
  }
  static std::shared_ptr<nursery> home;
  home = nursery::make([body](nursery_order const& o) { return body(o.descriptors[0].get()); });
  std::vector<descriptor> given;
  given.push_back(std::move(give));
  return home->spawn({}, std::move(given));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process_group)

BOOST_AUTO_TEST_CASE(what_a_process_has_started_goes_with_it_however_it_ends) {
  for (bool const by_nursery : {false, true})
    for (int const how : {0, SIGKILL, SIGSEGV}) {
      auto [out, in] = make_pipe();
      auto process = made(by_nursery, in, [how](int fd) {
        start_a_grandchild(fd);
        if (how) ::kill(::getpid(), how);
        return 0;
      });
      pid_t const grandchild = told(out.get());
      auto const status = process->wait_until(std::nullopt);
      BOOST_TEST((how ? status->signal() == how : status->success()));
      BOOST_TEST(observe::has_ended(grandchild));
    }
}

BOOST_AUTO_TEST_CASE(what_has_left_the_group_lives_on) {
  for (bool const by_nursery : {false, true}) {
    auto [out, in] = make_pipe();
    auto process = made(by_nursery, in, [](int fd) { return start_a_grandchild(fd, true), 0; });
    pid_t const grandchild = told(out.get());
    BOOST_TEST(process->wait_until(std::nullopt)->success());
    own_fd const life = pidfd_of(grandchild);
    BOOST_REQUIRE(life.get() >= 0);
    BOOST_TEST(!readable(life.get(), std::chrono::milliseconds(50)));
    ::kill(grandchild, SIGKILL);
    BOOST_TEST(readable(life.get()));
  }
}

BOOST_AUTO_TEST_CASE(when_the_program_is_killed_what_processes_of_a_nursery_have_started_goes_too) {
  auto [out, in] = make_pipe();
  pid_t const program = ::fork();
  if (program == 0) {
    made(true, in, [](int fd) {
      start_a_grandchild(fd);
      for (;;) ::pause();
      return 0;
    }).release();
    for (;;) ::pause();
  }
  in.close();
  pid_t const grandchild = told(out.get());
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  BOOST_TEST(observe::has_ended(grandchild));
}

BOOST_AUTO_TEST_CASE(keys_on_the_terminal_are_not_for_created_processes) {
  auto [out, in] = make_pipe();
  auto process = made(false, in, [](int fd) {
    pid_t const group = ::getpgrp();
    return ::write(fd, &group, sizeof group) == sizeof group ? 0 : 1;
  });
  BOOST_TEST(told(out.get()) == process->pid());
  BOOST_TEST(process->wait_until(std::nullopt)->success());
}

BOOST_AUTO_TEST_CASE(it_is_known_what_a_process_has_used) {
  for (bool const by_nursery : {false, true}) {
    auto [out, in] = make_pipe();
    auto process = made(by_nursery, in, [](int) {
      std::string memory(64 << 20, 'x');
      auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
      volatile unsigned sum = 0;
      while (std::chrono::steady_clock::now() < end)
        for (std::size_t i = 0; i < memory.size(); i += 4096) sum = sum + static_cast<unsigned char>(memory[i]);
      return 0;
    });
    BOOST_TEST(process->wait_until(std::nullopt)->success());
    BOOST_TEST((process->usage().cpu_time > std::chrono::milliseconds(5)));
    BOOST_TEST(process->usage().peak_memory > std::size_t{64} << 20);
  }
}

BOOST_AUTO_TEST_SUITE_END()
