#define BOOST_TEST_MODULE users_fork
#include "process/process_state.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <procx/channel/start.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace processes;
using procx::detail::fork_process;

namespace {

/// A created process that lives until the gate is closed, and then exits with 7.
struct with_process {
  own_pipe gate;
  std::optional<procx::process> child = procx::process(fork_process({}, [this] {
    gate.write.close();
    read_all(gate.read.get());
    return 7;
  }));
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(users_own_forks, with_process)

BOOST_AUTO_TEST_CASE(the_copy_neither_kills_nor_reaps_nor_waits) {
  BOOST_TEST(code_of_fork([&] {
    CHILD_CHECK(!child->kill(SIGKILL));
    CHILD_CHECK(!child->try_wait());
    CHILD_CHECK(!child->wait().known());
    child.reset();
    return 0;
  }) == 0);
  BOOST_TEST(!child->try_wait());
  gate.write.close();
  BOOST_TEST(child->wait().code() == 7);
}

BOOST_AUTO_TEST_CASE(the_copy_closes_no_number_that_became_something_else) {
  BOOST_TEST(code_of_fork([&] {
    int const number = child->pidfd();
    CHILD_CHECK(::dup2(gate.read.get(), number) == number);
    child.reset();
    return is_open(number) ? 0 : 1;
  }) == 0);
  gate.write.close();
  BOOST_TEST(child->wait().code() == 7);
}

BOOST_AUTO_TEST_CASE(the_copy_may_create_processes_of_its_own) {
  BOOST_TEST(code_of_fork([&] {
    child.reset();
    for (int i = 0; i < 5; ++i) CHILD_CHECK(procx::process(fork_process({}, [] { return 3; })).wait().code() == 3);
    procx::channel ch = procx::start([](procx::channel& up) { up.send(up.receive<int>() + 1); });
    ch.send(1);
    return ch.receive<int>() == 2 && ch.wait().success() ? 0 : 1;
  }) == 0);
  gate.write.close();
  BOOST_TEST(child->wait().code() == 7);
}

BOOST_AUTO_TEST_CASE(the_copy_leaves_those_alone_that_were_abandoned_before) {
  own_fd const end = pidfd_of(child->pid());
  pid_t const pid = child->pid();
  child.reset();  // abandoned, and alive
  BOOST_TEST(code_of_fork([&] {
    procx::process(fork_process({}, [] { return 0; }));
    return procx::process(fork_process({}, [] { return 0; })).wait().code();
  }) == 0);
  gate.write.close();
  BOOST_TEST(readable(end.get()));
  BOOST_TEST(state_of(pid) == 'Z');
  procx::process(fork_process({}, [] { return 0; })).wait();
  BOOST_TEST(state_of(pid) != 'Z');
}

BOOST_AUTO_TEST_CASE(a_created_process_is_in_no_better_position) {
  procx::process other(fork_process({}, [&] {
    CHILD_CHECK(!child->kill(SIGKILL));
    CHILD_CHECK(!child->wait().known());
    child.reset();
    return 0;
  }));
  BOOST_TEST(other.wait().code() == 0);
  gate.write.close();
  BOOST_TEST(child->wait().code() == 7);
}

BOOST_AUTO_TEST_CASE(the_copy_that_runs_its_exit_handlers_harms_nobody) {
  static std::unique_ptr<procx::channel> lasting;  // destroyed at exit
  lasting = std::make_unique<procx::channel>(procx::start([](procx::channel& up) { up.send(up.receive<int>()); }));
  BOOST_TEST(code_of_fork([&] {
    child.reset();
    lasting.reset();
    return 0;
  }) == 0);
  lasting->send(4);
  BOOST_TEST(lasting->receive<int>() == 4);
  lasting.reset();
}

BOOST_AUTO_TEST_SUITE_END()
