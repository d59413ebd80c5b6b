#define BOOST_TEST_MODULE log
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace px = procx;
using processes::stderr_capture;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// All that is printed, by task; what is no task's under none.
struct log_book {
  std::map<std::optional<std::uint64_t>, std::vector<std::string>> lines;
  std::set<pid_t> pids;
  std::set<unsigned> workers;

  px::log_sink sink() {
    return [this](px::log_line const& l) {
      lines[l.task].emplace_back(l.text);
      pids.insert(l.pid);
      workers.insert(l.worker);
    };
  }
};

std::string const own_file_name = "/tmp/procx.log." + std::to_string(::getpid());
char const* const own_file = own_file_name.c_str();

void write_out(int fd, std::string const& text) {
  for (std::size_t done = 0; done < text.size();) {
    ssize_t const n = ::write(fd, text.data() + done, text.size() - done);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(logs, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(each_line_comes_with_the_task_that_printed_it) {
  for (int const workers : {1, 2, 11}) {
    log_book book;
    auto talk = [](int n) {
      switch (n % 5) {
        case 0: std::cout << "n" << n << '\n'; break;
        case 1: std::printf("n%d\n", n); break;
        case 2: std::cerr << "n" << n << std::endl; break;
        case 3: write_out(STDOUT_FILENO, "n" + std::to_string(n) + "\n"); break;
        default: break;  // says nothing
      }
      return n;
    };
    BOOST_TEST(px::pmap(talk, numbers(3000), {.workers = workers, .log = book.sink()}).to_vector() == numbers(3000));
    std::size_t told = 0;
    for (auto const& [task, lines] : book.lines) {
      BOOST_REQUIRE(task);
      BOOST_REQUIRE(lines.size() == 1u);
      BOOST_REQUIRE(lines[0] == "n" + std::to_string(*task));
      ++told;
    }
    BOOST_TEST(told == 2400u);
    BOOST_TEST(book.pids.size() <= static_cast<std::size_t>(workers));
    BOOST_TEST(*book.workers.rbegin() < static_cast<unsigned>(workers));
  }
}

BOOST_AUTO_TEST_CASE(lines_of_any_length_arrive_and_one_without_an_end_ends_with_its_task) {
  log_book book;
  auto talk = [](int n) {
    std::cout << std::string(static_cast<std::size_t>(n) * 5000, 'x') << "\n\nrest of " << n;
    return n;
  };
  px::pmap(talk, numbers(12), {.workers = 2, .log = book.sink()}).to_vector();
  for (int n : numbers(12)) {
    auto const& lines = book.lines[static_cast<std::uint64_t>(n)];
    BOOST_REQUIRE(lines.size() == 3u);
    BOOST_TEST(lines[0].size() == static_cast<std::size_t>(n) * 5000);
    BOOST_TEST(lines[1].empty());
    BOOST_TEST(lines[2] == "rest of " + std::to_string(n));
  }
}

BOOST_AUTO_TEST_CASE(what_a_dying_task_said_is_its_own) {
  log_book book;
  auto talk = [](int n) {
    std::cout << "begin " << n << std::endl << "half a line";
    std::cout.flush();
    if (n % 10 == 3) ::kill(::getpid(), SIGKILL);
    return n;
  };
  auto r = px::pmap(talk, numbers(100), {.workers = 2, .log = book.sink()});
  for (auto const& o : r.outcomes()) BOOST_TEST(o.has_value() == (o.index() % 10 != 3));
  for (int n : numbers(100)) {
    auto const& lines = book.lines[static_cast<std::uint64_t>(n)];
    BOOST_REQUIRE(lines.size() == 2u);
    BOOST_TEST(lines[0] == "begin " + std::to_string(n));
    BOOST_TEST(lines[1] == "half a line");
  }
}

BOOST_AUTO_TEST_CASE(setup_and_teardown_print_for_no_task) {
  log_book book;
  {
    px::process_pool pool({.workers = 1,
                           .log = book.sink(),
                           .setup = [] { std::cout << "up\n"; },
                           .teardown = [] { std::cout << "down\n"; }});
    for (int n : numbers(20))
      pool.submit([](int i) { std::cerr << "task " << i << '\n'; }, n).get();
    pool.drain();
  }
  BOOST_TEST(book.lines[std::nullopt] == (std::vector<std::string>{"up", "down"}), boost::test_tools::per_element());
  for (int n : numbers(20))
    BOOST_TEST(book.lines[static_cast<std::uint64_t>(n)] == std::vector<std::string>{"task " + std::to_string(n)},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(by_default_whole_lines_come_to_standard_error) {
  stderr_capture capture;
  auto talk = [](int n) {
    std::string const text = "line " + std::to_string(n) + std::string(200, '.');
    for (char c : text) std::putchar(c);
    std::putchar('\n');
    return n;
  };
  px::pmap(talk, numbers(500), {.workers = 2}).to_vector();
  std::set<std::string> lines;
  std::istringstream in(capture.text());
  for (std::string line; std::getline(in, line);) lines.insert(line);
  BOOST_TEST(lines.size() == 500u);
  for (int n : numbers(500)) BOOST_TEST(lines.contains("line " + std::to_string(n) + std::string(200, '.')));
}

BOOST_AUTO_TEST_CASE(a_sink_that_throws_loses_lines_and_nothing_else) {
  auto r = px::pmap([](int n) { return std::cout << n << '\n', n; }, numbers(100),
                    {.workers = 2, .log = [](px::log_line const&) { throw 5; }});
  BOOST_TEST(r.to_vector() == numbers(100));
}

/// What it holds after tasks that print to standard output and, the first one, to a file of their own.
std::string file_after(int (*task)(int), log_book& book) {
  auto r = px::pmap(task, numbers(20), {.workers = 1, .log = book.sink()});
  for (auto const& o : r.outcomes()) BOOST_TEST(o.has_value(), o.what());
  std::ifstream in(own_file);
  std::string const text{std::istreambuf_iterator<char>(in), {}};
  ::unlink(own_file);
  return text;
}

BOOST_AUTO_TEST_CASE(a_task_that_sends_its_standard_error_elsewhere_has_that_for_itself) {
  auto const reopens = [](int n) {
    if (n == 0) {
      if (!std::freopen(own_file, "w", stderr)) return -1;
      std::fprintf(stderr, "own words\n");
      std::fflush(stderr);
    }
    std::printf("out of %d\n", n);
    return n;
  };
  auto const closes = [](int n) {
    if (n == 0) {
      ::close(STDERR_FILENO);
      write_out(::open(own_file, O_WRONLY | O_CREAT | O_TRUNC, 0600), "own words\n");
    }
    std::printf("out of %d\n", n);
    return n;
  };
  for (int (*const task)(int) : {+reopens, +closes}) {
    log_book book;
    BOOST_TEST(file_after(task, book) == "own words\n");
    for (int const n : numbers(20))
      BOOST_TEST(book.lines[static_cast<std::uint64_t>(n)] == std::vector<std::string>{"out of " + std::to_string(n)},
                 boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_written_to_files_that_took_the_numbers_of_what_a_task_has_closed) {
  auto const closes_all = [](int n) {
    if (n != 5) return n;
    ::close_range(3, ~0u, 0);
    int const own = ::open(own_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (int fd = 4; fd <= 1000; ++fd) ::dup2(own, fd);
    write_out(own, "own words\n");
    return n;
  };
  log_book book;
  auto r = px::pmap(closes_all, numbers(20), {.workers = 1, .window = 1, .log = book.sink()});
  int good = 0;
  for (auto const& o : r.outcomes()) good += o && *o == static_cast<int>(o.index());
  BOOST_TEST(good == 20);  // its result is found on the board
  std::ifstream in(own_file);
  std::string const text{std::istreambuf_iterator<char>(in), {}};
  ::unlink(own_file);
  BOOST_TEST(text == "own words\n");
}

BOOST_AUTO_TEST_CASE(tasks_that_were_taken_back_are_told_apart) {
  // A slow task, and many behind it that go to the other worker: numbers on the first are used again.
  log_book book;
  auto talk = [](int n) {
    if (n == 5) ::usleep(60'000);
    std::cout << n << '\n';
    return n;
  };
  px::pmap(talk, numbers(4000), {.workers = 2, .log = book.sink()}).to_vector();
  for (int n : numbers(4000)) {
    auto const& lines = book.lines[static_cast<std::uint64_t>(n)];
    BOOST_REQUIRE(lines.size() == 1u);
    BOOST_REQUIRE(lines[0] == std::to_string(n));
  }
}

BOOST_AUTO_TEST_SUITE_END()
