// What several programs make of one stash, at once or after a kill.
#define BOOST_TEST_MODULE stash_programs
#include "support/helper_program.hpp"
#include "support/number_factory.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;
namespace data = boost::unit_test::data;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> lines_of(fs::path const& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<px::stash<long>> squares_of(std::string const& kind, fs::path const& in) {
  if (kind == "sqlite") return std::make_unique<px::sqlite_stash<long>>(in / "squares.db", "squares");
  return std::make_unique<px::directory_stash<long>>(in / "squares");
}

bool wait_for_lines(fs::path const& file, std::size_t count) {
  auto const end = std::chrono::steady_clock::now() + 30s;
  while (lines_of(file).size() < count) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

pid_t start_primer(std::string const& kind, fs::path const& in, int keys) {
  pid_t const pid = ::fork();
  if (pid == 0) {
    std::string const count = std::to_string(keys);
    ::execl(PROCX_TEST_SUPPORT "/stash_primer", "stash_primer", kind.c_str(), in.c_str(), count.c_str(), nullptr);
    ::_exit(127);
  }
  return pid;
}

auto const kinds = data::make({std::string("directory"), std::string("sqlite")});

}  // namespace

BOOST_AUTO_TEST_SUITE(programs)

BOOST_DATA_TEST_CASE_F(scratch_directory, after_a_kill_the_next_run_computes_only_the_rest, kinds, kind) {
  constexpr int keys = 3'000;
  for (std::size_t const moment : {1u, 500u, 1'500u}) {
    fs::path const in = path / std::to_string(moment);
    fs::create_directories(in);
    pid_t const child = start_primer(kind, in, keys);
    BOOST_REQUIRE(wait_for_lines(in / "computed", moment));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::size_t stored = 0;
    {
      auto const store = squares_of(kind, in);
      for (auto const& [key, value] : *store) BOOST_TEST((++stored, value == std::stol(key) * std::stol(key)));
      BOOST_TEST(store->size() == stored);
    }
    ended_program const second = run_helper("stash_primer " + kind + ' ' + in.string() + ' ' + std::to_string(keys));
    BOOST_TEST(second.code == 0, second.printed);
    BOOST_TEST(second.printed == std::to_string(static_cast<std::size_t>(keys) - stored) + '\n');
    BOOST_TEST(squares_of(kind, in)->size() == static_cast<std::size_t>(keys));
  }
}

BOOST_DATA_TEST_CASE_F(scratch_directory, two_programs_that_prime_at_once_give_right_values, kinds, kind) {
  constexpr int keys = 500;
  std::vector<pid_t> const children{start_primer(kind, path, keys), start_primer(kind, path, keys)};
  for (pid_t const pid : children) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    BOOST_TEST(status == 0);
  }
  auto const store = squares_of(kind, path);
  BOOST_TEST(store->size() == static_cast<std::size_t>(keys));
  for (auto const& [key, value] : *store) BOOST_TEST(value == std::stol(key) * std::stol(key));
}

BOOST_DATA_TEST_CASE_F(scratch_directory, another_process_sees_the_failures, kinds, kind) {
  auto const make = [&] {
    return kind == "sqlite" ? std::unique_ptr<px::stash<int>>(std::make_unique<px::sqlite_stash<int>>(path / "s.db", "s"))
                            : std::make_unique<px::directory_stash<int>>(path / "s");
  };
  BOOST_TEST(processes::code_of_fork([&] {
    px::multi_process_robust_stash<int> s(make(), std::make_unique<number_factory>(9, fails_at_2_and_7), {.workers = 2});
    return s.size() == 7 ? 0 : 1;
  }) == 0);
  auto factory = std::make_unique<number_factory>(9);
  number_factory& source = *factory;
  px::multi_process_robust_stash<int> s(make(), std::move(factory), {.workers = 2});
  BOOST_TEST((keys_of(s.failures()) == strings{"2", "7"}));
  BOOST_TEST(s.size() == 7u);
  BOOST_TEST(source.computations() == 0);
  BOOST_TEST((s.reprocess_failures() == strings{"2", "7"}));
  BOOST_TEST(s.size() == 9u);
}

BOOST_AUTO_TEST_SUITE_END()
