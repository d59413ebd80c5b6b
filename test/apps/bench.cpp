#define BOOST_TEST_MODULE bench
#include "apps/bench_fixture.hpp"

BOOST_AUTO_TEST_SUITE(bench_program)

/// A run of everything but the Python peers, which take their time.
BOOST_AUTO_TEST_CASE(every_case_prints_its_table_and_all_results_are_right) {
  auto const file = std::filesystem::temp_directory_path() / ("procx-bench." + std::to_string(::getpid()));
  ::setenv("PATH", "", 1);
  ended const e = bench({"--json", file});
  BOOST_TEST_INFO(e.out);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(e.err == "");
  BOOST_TEST(!contains(e.out, "FAILED"));
  for (char const* title : {"round trip of an int: ", "tasks of 16 bytes: ", "parent of 10 MiB: ", "parent of 16 MiB: ",
                            "vectors of 1 MiB there and back: ", "vectors of 4 MiB there and back: ",
                            "tasks in processes of their own, four at a time: "})
    BOOST_TEST(contains(e.out, title), "no table of " << title);
  BOOST_TEST(contains(e.out, "left out: there is no python3"));

  std::ifstream json(file);
  std::string const text((std::istreambuf_iterator<char>(json)), {});
  std::filesystem::remove(file);
  for (char const* part : {R"("surroundings": {)", R"("case": "thousand")", R"("against": "fork, pipe, poll")"})
    BOOST_TEST(contains(text, part), "nothing like " << part);
}

BOOST_AUTO_TEST_CASE(cases_contenders_and_processors_can_be_chosen) {
  ended const e = bench({"round-trip", "--contender", "raw", "--pin", "0"});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "pinned to: 0\n"));
  BOOST_TEST(contains(e.out, "raw pipe and epoll"));
  BOOST_TEST(!contains(e.out, "px::channel"));
  BOOST_TEST(!contains(e.out, "tasks of 16 bytes"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_measured_is_an_error) {
  BOOST_TEST(bench({"nothing"}).code == 2);
  BOOST_TEST(bench({"--pin", "one"}).code == 2);
  BOOST_TEST(bench({"thousand", "--json", "/dev/full"}).code == 2);
  ended const e = bench({"thousand", "--pin", "1023"});
  BOOST_TEST(e.code == 1);
  BOOST_TEST(contains(e.out, "FAILED: sched_setaffinity"));
}

BOOST_AUTO_TEST_SUITE_END()
