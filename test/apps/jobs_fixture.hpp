#pragma once

#include "apps/program.hpp"
#include "support/scratch.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

/// Jobs in a folder of the test's own. At the end all of them are stopped, and nothing of them may be left.
struct jobs_fixture {
  static constexpr char const* tool = PROCX_TEST_SUPPORT "/procx";

  jobs_fixture() {
    ::setenv("XDG_RUNTIME_DIR", scratch.path.c_str(), 1);
    BOOST_TEST(procx({"list"}).code == 0);  // which makes the folder
  }
  ~jobs_fixture() {
    for (auto const& file : std::filesystem::directory_iterator(scratch.path / "procx"))
      if (file.path().extension() == ".job") {
        std::string const name = file.path().stem();
        BOOST_TEST(procx({"stop", "--grace", "0", name}).code == 0);
        BOOST_TEST(procx({"remove", name}).code == 0);
      }
    BOOST_TEST(processes() == 0u);
    BOOST_TEST(files() == std::vector<std::string>{}, boost::test_tools::per_element());
  }

  /// What the tool makes of it.
  static ended procx(std::vector<std::string> words, program_options const& options = {}) {
    words.insert(words.begin(), tool);
    return program(words, options).wait();
  }
  /// A line of the shell, in which $procx is the tool.
  static ended shell(std::string const& line) { return program({"/bin/sh", "-c", "procx=" + std::string(tool) + "; " + line}).wait(); }
  /// Starts a line of the shell as a job. It may have ended already.
  static void start(std::string const& name, std::string const& line, std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"start", name});
    words.insert(words.end(), {"--", "/bin/sh", "-c", line});
    auto const e = procx(words);
    BOOST_REQUIRE_MESSAGE(e.code < 125 || e.code > 127, e.err);
    BOOST_TEST(e.out == "");
  }
  /// A member of the status as JSON, as it is written there; empty if there is none.
  static std::string status(std::string const& name, std::string const& member) {
    std::string const json = procx({"status", "--json", name}).out;
    std::smatch found;
    std::regex const pattern('"' + member + "\":(\"[^\"]*\"|[^,}]*)");
    return std::regex_search(json, found, pattern) ? found[1].str() : "";
  }
  static pid_t pid_of(std::string const& name, std::string const& member) { return std::atoi(status(name, member).c_str()); }

  std::filesystem::path path(std::string const& name) const { return scratch.path / "procx" / name; }
  std::string content(std::string const& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (auto const& file : std::filesystem::directory_iterator(scratch.path / "procx")) all.push_back(file.path().filename());
    std::ranges::sort(all);
    return all;
  }

  /// How many processes have this folder in PROCX_JOB: those of all jobs here.
  std::size_t processes() const {
    std::size_t n = 0;
    for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
      if (std::atoi(entry.path().filename().c_str()) == 0) continue;
      std::ifstream in(entry.path() / "environ");
      std::string const environment((std::istreambuf_iterator<char>(in)), {});
      n += environment.find("PROCX_JOB=" + scratch.path.string()) != environment.npos;
    }
    return n;
  }

  scratch_directory scratch;
};
