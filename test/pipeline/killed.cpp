// Pipelines that read files into destinations are killed, as a whole or in part, at any time, and started again: each line is there once.
#define BOOST_TEST_MODULE killed
#include <boost/test/unit_test.hpp>

#include "support/observe.hpp"
#include "support/postgres_server.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <pqxx/pqxx>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

using lines = std::vector<std::string>;

/// A run of destination_run that is under way.
struct program {
  program(std::string const& kind, std::string const& where, std::vector<std::string> const& files) {
    std::vector<std::string> words{PROCX_TEST_SUPPORT "/destination_run", kind, where};
    words.insert(words.end(), files.begin(), files.end());
    std::vector<char*> arguments;
    for (std::string& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      ::dup2(output.write.get(), STDOUT_FILENO);
      ::close(output.write.get());
      ::close(output.read.get());
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::setpgid(pid, pid);
    output.write.close();
    end = processes::pidfd_of(pid);
  }
  program(program const&) = delete;
  /// How many bytes were done when it began; −1 if it has ended before it could say so.
  long long done_before() {
    std::string text;
    for (char c = 0; ::read(output.read.get(), &c, 1) == 1 && c != '\n';) text += c;
    return text.empty() ? -1 : std::stoll(text);
  }
  bool ends_within(std::chrono::milliseconds time) const { return processes::readable(end.get(), time); }
  /// Its exit code; 128 and the signal that has killed it. Whatever it has made is gone then.
  int code() {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    BOOST_TEST(processes::readable(output.read.get()));
    (void)processes::read_all(output.read.get());  // to the end: its processes have closed it
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  processes::own_pipe output;
  pid_t pid = 0;
  processes::own_fd end;
};

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> all = observe::children_of(pid);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (pid_t const child : observe::children_of(all[i])) all.push_back(child);
  return all;
}

/// Three files of some hundred thousand bytes, of which one is compressed.
struct input : scratch_directory {
  input() {
    for (char const* name : {"a.log", "b.log", "c.log"}) write(name, 2500);
    BOOST_REQUIRE(std::system(("gzip '" + (path / "c.log").string() + "'").c_str()) == 0);
    files = {path / "a.log", path / "b.log", path / "c.log.gz"};
  }
  void write(std::string const& name, int count) {
    std::ofstream out(path / name, std::ios::app);
    for (int i = 0; i < count; ++i) {
      std::string const line = name + ' ' + std::to_string(expected.size()) + ' ' + std::string(random() % 80, 'x');
      out << line << '\n';
      expected.push_back(line);
      bytes += static_cast<long long>(line.size()) + 1;
    }
  }

  std::mt19937 random{std::random_device()()};
  std::vector<std::string> files;
  lines expected;
  long long bytes = 0;
};

/// Kills it until it has been killed often enough, and then lets it come to its end.
void kill_and_start_again(input& in, std::string const& kind, std::string const& where) {
  constexpr int kills = 30, most_kills = 150, enough_in_the_middle = 10;
  int in_the_middle = 0, of_workers = 0;
  long long before = 0;
  unsigned longest = 12;  // milliseconds of life: more where little is done in them, fewer where much is
  for (int run = 0; run < kills || (in_the_middle < enough_in_the_middle && run < most_kills); ++run) {
    if (run == kills / 2) {  // a rotation of logs
      fs::rename(in.path / "b.log", in.path / "b.log.1");
      in.write("b.log", 100);
      in.write("a.log", 100);
      in.files.push_back(in.path / "b.log.1");
    }
    program p(kind, where, in.files);
    if (in.random() % 8 != 0) {  // else it is killed while it begins
      long long const done = p.done_before();
      if (done > 0 && done < in.bytes) ++in_the_middle;
      if (done == before && done < in.bytes) longest += longest / 4;
      if (done - before > in.bytes / 10) longest -= longest / 4;
      before = done;
      BOOST_TEST_MESSAGE("run " << run << ": " << done << " of " << in.bytes << " bytes done");
    }
    if (!p.ends_within(std::chrono::milliseconds(in.random() % longest))) {
      auto const workers = descendants_of(p.pid);
      switch (in.random() % 3) {
        case 0: ::kill(p.pid, SIGKILL); break;
        case 1: ::kill(-p.pid, SIGKILL); break;
        default:
          if (!workers.empty()) ++of_workers, ::kill(workers[in.random() % workers.size()], SIGKILL);
          if (!p.ends_within(std::chrono::milliseconds(in.random() % longest))) ::kill(p.pid, SIGKILL);
      }
    }
    int const code = p.code();
    BOOST_TEST((code == 0 || code == 3 || code == 128 + SIGKILL), "exit code " << code);
  }
  BOOST_TEST(in_the_middle >= enough_in_the_middle);
  BOOST_TEST(of_workers > 0);
  program last(kind, where, in.files);
  BOOST_TEST(last.code() == 0);
  program one_more(kind, where, in.files);
  BOOST_TEST(one_more.done_before() == in.bytes);
  BOOST_TEST(one_more.code() == 0);
}

void check_each_is_there_once(input const& in, lines got) {
  lines expected = in.expected;
  std::ranges::sort(expected);
  std::ranges::sort(got);
  BOOST_TEST(got.size() == expected.size());
  BOOST_TEST((got == expected));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(killed, input)

BOOST_AUTO_TEST_CASE(every_row_is_in_sqlite_once) {
  std::string const file = path / "lines.db";
  kill_and_start_again(*this, "sqlite", file);
  SQLite::Database db(file);
  SQLite::Statement rows(db, "SELECT line FROM lines");
  lines got;
  while (rows.executeStep()) got.push_back(rows.getColumn(0).getString());
  check_each_is_there_once(*this, got);
}

BOOST_AUTO_TEST_CASE(every_row_is_in_postgres_once) {
  postgres_server server;
  kill_and_start_again(*this, "postgres", server.where());
  pqxx::connection c(server.where());
  pqxx::work work(c);
  lines got;
  for (auto const& row : work.exec("SELECT line FROM lines")) got.push_back(row[0].as<std::string>());
  check_each_is_there_once(*this, got);
}

BOOST_AUTO_TEST_CASE(every_line_is_in_a_file_once) {
  std::string const file = path / "lines.txt";
  kill_and_start_again(*this, "lines", file);
  std::ifstream in(file);
  lines got;
  for (std::string line; std::getline(in, line);) got.push_back(line.substr(line.find(' ') + 1));
  check_each_is_there_once(*this, got);
}

BOOST_AUTO_TEST_SUITE_END()
