// A run that is ended in any way and started again counts every line once.
#define BOOST_TEST_MODULE etl_interrupted
#include "apps/etl_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

#include <sys/ioctl.h>

namespace {

/// A log in three files of different kinds, and what it comes to.
struct shared_log : etl_fixture {
  shared_log() {
    std::string const text = log(60'000, {"--rate", "8", "--seed", "11", "--invalid", "0.003"});
    logs = {write("1", lines_of(text, 0, 25'000)), write("2.gz", gzip(lines_of(text, 25'000, 15'000))), write("3", lines_of(text, 40'000, 20'000))};
    expected = undisturbed(logs);
    aside = read(path("undisturbed-invalid.tsv"));
  }
  std::vector<std::string> logs;
  contents expected;
  std::string aside;

  static shared_log const& get() {
    static shared_log const log;
    return log;
  }
};

/// Many small chunks, and a commit after each.
std::vector<std::string> const step_by_step{"--chunk", "8", "--commit", "0", "-j", "2", "-q"};

struct run_under_way : etl_fixture {
  run_under_way() : on(shared_log::get()) {}

  void start() { running.emplace(command(run_arguments(on.logs, step_by_step, database()))); }
  /// How many lines have been committed: 0 if there is no database yet.
  std::int64_t committed() const {
    if (!fs::exists(database())) return 0;
    try {
      return number("SELECT coalesce(sum(lines), 0) FROM files");
    } catch (SQLite::Exception const&) {
      return 0;  // it is just being made
    }
  }
  /// Waits until it has come so far, or is over. False if it is over.
  bool comes_to(std::int64_t lines) {
    BOOST_REQUIRE(eventually([&] { return running->over() || committed() >= lines; }));
    return !running->over();
  }
  void goes_on_to_the_end() {
    ended const e = run(on.logs, {"--chunk", "64"});
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 0);
    check_same(contents_of(), on.expected);
    BOOST_TEST((read(set_aside()) == on.aside));
  }

  shared_log const& on;
  std::optional<program> running;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(etl_interrupted, run_under_way)

BOOST_AUTO_TEST_CASE(kills_at_any_time_cost_nothing) {
  std::minstd_rand random(17);
  std::int64_t next = 0;
  for (int kills = 0; kills < 10;) {
    start();
    if (comes_to(next)) {
      running->signal(SIGKILL);
      BOOST_TEST(running->wait().code == 137);
      ++kills;
      next = committed() + static_cast<std::int64_t>(random() % 5000);
    } else {  // it has come to the end before it was killed
      goes_on_to_the_end();
      for (fs::path const& file : {database(), set_aside()}) fs::remove(file);
      next = 0;
    }
  }
  goes_on_to_the_end();
}

BOOST_AUTO_TEST_CASE(the_death_of_workers_costs_nothing) {
  start();
  for (std::int64_t next = 5000; next < 60'000 && comes_to(next); next += 10'000) {
    auto const processes = descendants(running->pid());
    for (pid_t const process : processes)
      if (process != processes.front()) ::kill(process, SIGKILL);  // the first one makes the others
  }
  ended const e = running->wait();
  BOOST_TEST_INFO(e.err);
  BOOST_TEST((e.code == 0 || e.code == 2));  // a chunk may be the one that is killed three times
  goes_on_to_the_end();
}

BOOST_AUTO_TEST_CASE(an_interruption_commits_what_is_done_and_says_how_to_go_on) {
  for (int const signal : {SIGINT, SIGTERM}) {
    std::int64_t const before = committed();
    start();
    BOOST_REQUIRE(comes_to(before + 2000));
    running->signal_all(signal);
    ended const e = running->wait();
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 128 + signal);
    BOOST_TEST(contains(e.err, "the same command goes on from here"));
    BOOST_TEST(e.out == "");
    BOOST_TEST(committed() < 60'000);
  }
  goes_on_to_the_end();
}

BOOST_AUTO_TEST_CASE(an_input_that_gives_nothing_does_not_hold_up_an_interruption) {
  fs::path const fifo = path("fifo");
  BOOST_REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  int const writer = ::open(fifo.c_str(), O_RDWR);
  std::string const lines = lines_of(read(on.logs[0]), 0, 100);
  BOOST_REQUIRE(::write(writer, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()));
  running.emplace(command(run_arguments({fifo}, {}, database())));
  auto const has_read = [&] {
    int left = 1;
    return ::ioctl(writer, FIONREAD, &left) == 0 && left == 0;
  };
  BOOST_REQUIRE(eventually(has_read));
  running->signal(SIGTERM);
  BOOST_TEST(running->wait().code == 143);
  ::close(writer);
}

BOOST_AUTO_TEST_CASE(one_run_at_a_time_writes_a_database) {
  start();
  BOOST_REQUIRE(comes_to(1000));
  ended const second = run(on.logs);
  BOOST_TEST(second.code == 3);
  BOOST_TEST(contains(second.err, "another run is writing"));
  BOOST_TEST(running->wait().code == 0);
  goes_on_to_the_end();
}

BOOST_AUTO_TEST_SUITE_END()
