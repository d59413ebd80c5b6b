#define BOOST_TEST_MODULE fork
#include "process/fork.hpp"

#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

using namespace procx::detail;
using namespace processes;

namespace {

int code_of_created(std::function<int()> const& body) {
  return fork_process({.capture_stderr = false}, body)->wait_until(std::nullopt)->code();
}

std::size_t count(std::string const& text, std::string const& word) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++n) at += word.size();
  return n;
}

/// Runs the body in a fork whose stdout is a file-like pipe, fully buffered; all that comes out of it.
std::string output_of(std::function<int()> const& body) {
  own_pipe out;
  std::fflush(stdout);  // what the test itself has buffered
  int const code = code_of_fork([&] {
    ::dup2(out.write.get(), STDOUT_FILENO);
    out.write.close();
    std::setvbuf(stdout, nullptr, _IOFBF, 4096);
    int const result = body();
    std::fflush(stdout);
    return result;
  });
  out.write.close();
  return code == 0 ? read_all(out.read.get()) : "it ended with " + std::to_string(code);
}

void handler(int) {}

}  // namespace

BOOST_AUTO_TEST_SUITE(created_processes)

BOOST_AUTO_TEST_CASE(stdin_is_empty) {
  own_pipe text;
  BOOST_TEST(code_of_fork([&] {
    ::dup2(text.read.get(), STDIN_FILENO);
    CHILD_CHECK(::write(text.write.get(), "for the parent\n", 15) == 15);
    CHILD_CHECK(code_of_created([] {
      char c;
      return ::read(STDIN_FILENO, &c, 1) == 0 ? 0 : 1;
    }) == 0);
    return read_exactly(STDIN_FILENO, 15) == "for the parent\n" ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(stdin_is_empty_even_where_the_parent_has_none) {
  BOOST_TEST(code_of_fork([] {
    ::close(STDIN_FILENO);
    return code_of_created([] {
      char c;
      return ::read(STDIN_FILENO, &c, 1) == 0 ? 0 : 1;
    });
  }) == 0);
}

BOOST_AUTO_TEST_CASE(handlers_are_gone_what_is_ignored_stays_so_and_nothing_is_blocked) {
  BOOST_TEST(code_of_fork([] {
    ::signal(SIGUSR1, handler);
    ::signal(SIGTERM, handler);
    ::signal(SIGHUP, SIG_IGN);
    sigset_t some;
    ::sigemptyset(&some);
    ::sigaddset(&some, SIGUSR2);
    ::sigaddset(&some, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
    int const code = code_of_created([] {
      for (int s : {SIGUSR1, SIGTERM, SIGABRT, SIGSEGV, SIGCHLD}) {
        struct sigaction now {};
        ::sigaction(s, nullptr, &now);
        CHILD_CHECK(now.sa_handler == SIG_DFL);
      }
      struct sigaction ignored {};
      ::sigaction(SIGHUP, nullptr, &ignored);
      CHILD_CHECK(ignored.sa_handler == SIG_IGN);
      sigset_t mask;
      ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
      for (int s = 1; s < 32; ++s) CHILD_CHECK(::sigismember(&mask, s) == 0);
      return 0;
    });
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    CHILD_CHECK(::sigismember(&mask, SIGUSR2) && ::sigismember(&mask, SIGTERM) && !::sigismember(&mask, SIGINT));
    struct sigaction kept {};
    ::sigaction(SIGUSR1, nullptr, &kept);
    CHILD_CHECK(kept.sa_handler == handler);
    return code;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(what_the_parent_had_buffered_is_written_once) {
  std::string const out = output_of([] {
    std::printf("printed ");
    std::cout << "streamed ";
    return code_of_created([] { return 0; });
  });
  BOOST_TEST(count(out, "printed") == 1u);
  BOOST_TEST(count(out, "streamed") == 1u);
}

BOOST_AUTO_TEST_CASE(what_another_thread_has_buffered_is_written_once_too) {
  std::string const out = output_of([] {
    std::printf("early ");
    own_pipe held, gate;
    std::thread other([&] {
      ::flockfile(stdout);  // as while it prints
      ::fputs_unlocked("unfinished ", stdout);
      held.write.close();
      read_all(gate.read.get());
      ::funlockfile(stdout);
    });
    read_all(held.read.get());
    int const code = code_of_created([] {
      std::printf("child ");
      return 0;
    });
    gate.write.close();
    other.join();
    return code;
  });
  BOOST_TEST(count(out, "early") == 1u);
  BOOST_TEST(count(out, "unfinished") == 1u);
  BOOST_TEST(count(out, "child") == 1u);
}

BOOST_AUTO_TEST_CASE(what_the_child_had_buffered_is_written_when_it_leaves) {
  std::string const out = output_of([] {
    return code_of_created([] {
      std::printf("printed ");
      std::cout << "streamed ";
      return 0;
    });
  });
  BOOST_TEST(out == "printed streamed ");
}

BOOST_AUTO_TEST_CASE(exit_handlers_and_static_objects_are_the_parents) {
  std::string const out = output_of([] {
    std::atexit([] { ::_exit(13); });
    return code_of_created([] { return 0; });
  });
  BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(a_process_may_be_created_by_a_thread_that_ends_before_it) {
  own_pipe gate;
  std::unique_ptr<process_state> child;
  std::thread([&] {
    child = fork_process({}, [&] {
      gate.write.close();
      read_all(gate.read.get());
      return 6;
    });
  }).join();
  BOOST_TEST(!child->try_wait());
  gate.write.close();
  BOOST_TEST(child->wait_until(std::nullopt)->code() == 6);
}

BOOST_AUTO_TEST_CASE(a_created_process_may_create_others) {
  BOOST_TEST(code_of_created([] { return code_of_created([] { return code_of_created([] { return 4; }); }); }) == 4);
}

BOOST_AUTO_TEST_SUITE_END()
