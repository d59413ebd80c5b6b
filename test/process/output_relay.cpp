#define BOOST_TEST_MODULE output_relay
#include "process/output_relay.hpp"

#include "process/fork.hpp"
#include "process/process_state.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using namespace procx::detail;
using namespace processes;
using namespace std::chrono_literals;

namespace {

void say(std::string const& text) {
  for (std::size_t done = 0; done < text.size();) {
    ssize_t const n = ::write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

/// What a process that says this leaves: its tail, and what came out of this process's standard error.
struct heard {
  std::string tail, passed_on;
};
heard hear(std::string const& text) {
  stderr_capture capture;
  auto const child = fork_process({}, [&] { return say(text), 0; });
  child->wait_until(std::nullopt);
  return {child->errors().tail(), capture.text()};
}

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + '\n';
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(last_words)

BOOST_AUTO_TEST_CASE(a_few_lines_are_kept_and_passed_on) {
  heard const h = hear("one\ntwo\n");
  BOOST_TEST(h.tail == "one\ntwo\n");
  BOOST_TEST(h.passed_on == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(silence_leaves_nothing) {
  heard const h = hear("");
  BOOST_TEST(h.tail.empty());
  BOOST_TEST(h.passed_on.empty());
}

BOOST_AUTO_TEST_CASE(exactly_the_last_4_kib_are_kept_and_all_is_passed_on) {
  for (std::size_t size : {4095u, 4096u, 4097u, 8192u, 150'000u}) {
    std::string const text = numbered_lines(20'000).substr(0, size);
    heard const h = hear(text);
    BOOST_TEST(h.tail == text.substr(size - std::min<std::size_t>(size, 4096)));
    BOOST_TEST((h.passed_on == text));
  }
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_is_passed_on_at_the_end) {
  heard const h = hear("whole\nunfinished");
  BOOST_TEST(h.tail == "whole\nunfinished");
  BOOST_TEST(h.passed_on == "whole\nunfinished");
}

BOOST_AUTO_TEST_CASE(a_line_longer_than_a_pipe_is_passed_on_too) {
  std::string const text = std::string(300'000, 'x') + "\nend\n";
  BOOST_TEST((hear(text).passed_on == text));
}

BOOST_AUTO_TEST_CASE(lines_of_several_processes_stay_whole) {
  stderr_capture capture;
  std::vector<std::unique_ptr<process_state>> children;
  for (char c : {'a', 'b', 'c'})
    children.push_back(fork_process({}, [=] {
      for (int i = 0; i < 50; ++i) {
        say(std::string(100, c));  // half a line, and the other half at some other time
        say(std::string(100, c) + '\n');
      }
      return 0;
    }));
  for (bool alive = true; alive;) {
    alive = false;
    for (auto const& child : children) alive = !child->try_wait() || alive;
  }
  std::istringstream lines(capture.text());
  int whole = 0;
  for (std::string line; std::getline(lines, line); ++whole) {
    BOOST_REQUIRE(line.size() == 200u);
    BOOST_REQUIRE(line == std::string(200, line[0]));
  }
  BOOST_TEST(whole == 150);
}

BOOST_AUTO_TEST_CASE(one_whose_standard_error_is_not_captured_writes_where_this_process_does) {
  stderr_capture capture;
  auto const child = fork_process({.capture_stderr = false}, [] { return say("direct\n"), 0; });
  child->wait_until(std::nullopt);
  BOOST_TEST(child->errors().tail().empty());
  BOOST_TEST(capture.text() == "direct\n");
}

BOOST_AUTO_TEST_CASE(its_end_is_seen_though_a_copy_of_it_keeps_its_standard_error_open) {
  own_pipe gate;
  auto const child = fork_process({}, [&] {
    gate.write.close();
    say("mine\n");
    if (::fork() == 0) {
      read_all(gate.read.get());
      ::_exit(0);
    }
    return 5;
  });
  BOOST_TEST(child->wait_until(std::nullopt)->code() == 5);
  BOOST_TEST(child->errors().tail() == "mine\n");
}

BOOST_AUTO_TEST_CASE(one_that_never_stops_writing_starves_nobody) {
  int const null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  int const saved = ::dup(STDERR_FILENO);
  ::dup2(null, STDERR_FILENO);
  auto const child = fork_process({}, [] {
    for (std::string const much(1 << 16, '\n');;) say(much);
    return 0;
  });
  auto const start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) child->try_wait();
  bool const timely = !child->wait_until(std::chrono::steady_clock::now() + 20ms);
  auto const took = std::chrono::steady_clock::now() - start;
  child->kill(SIGKILL);
  child->wait_until(std::nullopt);
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(null);
  BOOST_TEST(timely);
  BOOST_TEST((took < 2s));
}

BOOST_AUTO_TEST_SUITE_END()
