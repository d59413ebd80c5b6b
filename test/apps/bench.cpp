#define BOOST_TEST_MODULE bench
#include "apps/bench_fixture.hpp"

#include <sstream>
#include <string>

/// What Open MPI's library says where there is no /sys is not about the bench.
static std::string without_hwloc(std::string const& text) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("[hwloc/")) kept += line + '\n';
  return kept;
}

BOOST_AUTO_TEST_SUITE(bench_program)

/// Whether peers with threads are left out: the sanitizer does not see into them.
#if defined(__SANITIZE_THREAD__)
constexpr bool threads_are_left_out = true;
#elif defined(__has_feature)
constexpr bool threads_are_left_out = __has_feature(thread_sanitizer);
#else
constexpr bool threads_are_left_out = false;
#endif

std::size_t count(std::string const& text, std::string const& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

std::string content(std::filesystem::path const& file) {
  std::ifstream in(file);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

BOOST_AUTO_TEST_CASE(every_contender_of_every_case_takes_part_and_all_results_are_right) {
  auto const folder = std::filesystem::temp_directory_path() / ("procx-bench." + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  auto const began = std::chrono::steady_clock::now();
  ended const e = bench({"--json", folder / "all.json", "--svg", folder / "figures"});
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
  BOOST_TEST_MESSAGE("took " << took.count() << " s");
  BOOST_TEST_INFO_SCOPE(e.out);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(without_hwloc(e.err) == "");
  BOOST_TEST(!contains(e.out, "FAILED"));
  BOOST_TEST(count(e.out, "left out: ") == count(e.out, "left out: the thread sanitizer"));
  BOOST_TEST(contains(e.out, "left out: ") == threads_are_left_out);

  for (char const* title :
       {"round trip of an int: ", "tasks of 16 bytes: ", "tasks of 16 bytes through a queue: ", "tasks of no time: ", "tasks of 1 µs: ", "tasks of 10 µs: ",
        "tasks of 100 µs: ", "tasks of 1 ms: ", "tasks of 10 ms: ", "tasks of 100 ms: ", "results of 16 KiB: ",
        "results of 1 MiB: ", "tasks that do nothing: ", "tasks that sleep 10 µs on", "tasks that sleep 100 µs on",
        "tasks that sleep 1 ms: ", "parent of 10 MiB: ", "parent of 16 MiB: ", "vectors of 1 MiB there and back: ",
        "vectors of 4 MiB there and back: ", "vectors of 16 B there", "vectors of 64 MiB there",
        "messages on 10 busy channels",
        "round trip of a call to a daemon: ", "calls of a daemon, 64 in flight: ", "tasks in processes of their own, four at a time: "})
    BOOST_TEST(contains(e.out, title), "no table of " << title);
  for (char const* peer : {"oneTBB parallel_for, grain 1 ", "ZeroMQ push/pull, window 64 ", "Boost.MPI task farm",
                           "Python imap_unordered, chunk 64", "Python ProcessPoolExecutor.map", "Python Pipe ",
                           "Python Process, fork", "Python imap, in order", "oneTBB, grain 1", "raw pipes and poll", "Redis PING ",
                           "Redis list, two workers", "ZeroMQ REQ/REP"})
    BOOST_TEST(contains(e.out, peer), "nobody is called " << peer);
  BOOST_TEST(count(e.out, "px::pmap, best window ") == 7u);
  BOOST_TEST(count(e.out, "one parent can keep so many workers busy") == 3u);

  std::string const json = content(folder / "all.json");
  for (char const* part : {R"("surroundings": {)", R"("case": "thousand")", R"("against": "fork, pipe, poll")",
                           R"("stands_for": "px::pmap, window )"})
    BOOST_TEST(contains(json, part), "nothing like " << part);
  for (char const* figure : {"tasks", "durations", "payloads"}) {
    std::string const svg = content(folder / "figures" / (std::string(figure) + ".svg"));
    BOOST_TEST(svg.starts_with("<svg "), "no figure of " << figure);
    BOOST_TEST(svg.ends_with("</svg>\n"));
    BOOST_TEST(contains(svg, "px::pmap, nothing tuned"));
    BOOST_TEST(!contains(svg, "nan"));
  }
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_not_there_is_left_out_and_it_is_said_which) {
  std::string const path = std::getenv("PATH");
  ::setenv("PATH", "", 1);
  ended const python = bench({"tasks", "--contender", "Python"}), mpi = bench({"tasks", "--contender", "MPI"});
  ::setenv("PATH", path.c_str(), 1);
  for (ended const& e : {python, mpi}) BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(python.out, "left out: there is no python3"));
  BOOST_TEST(contains(mpi.out, "left out: there is no mpirun"));
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
  BOOST_TEST(bench({"payloads", "--contender", "memcpy", "--svg", "/dev/null/folder"}).code == 2);
  ended const e = bench({"thousand", "--pin", "1023"});
  BOOST_TEST(e.code == 1);
  BOOST_TEST(contains(e.out, "FAILED: sched_setaffinity"));
}

BOOST_AUTO_TEST_SUITE_END()
