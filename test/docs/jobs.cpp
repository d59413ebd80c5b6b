#define BOOST_TEST_MODULE jobs
#include "docs/output_of.hpp"
#include "support/scratch.hpp"

#include <procx/jobs/job.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace px = procx;

namespace {

struct command_and_output {
  std::string command;
  std::string output;
};

/// What stands in the transcripts of the page: behind a $ a command, below it what it prints.
std::vector<command_and_output> transcript() {
  std::vector<command_and_output> all;
  std::ifstream page("docs/jobs.md");
  BOOST_REQUIRE_MESSAGE(page, "cannot read docs/jobs.md, from the folder of the checkout");
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```"))
      inside = line == "```console";
    else if (inside && line.starts_with("$ "))
      all.push_back({line.substr(2), ""});
    else if (inside)
      all.back().output += line + '\n';
  }
  return all;
}

/// What depends on the moment: how wide columns are, and how long something took.
std::string comparable(std::string const& text) {
  return std::regex_replace(std::regex_replace(text, std::regex(" +"), " "), std::regex("[0-9.]+ s "), "TIME ");
}

struct folder_of_jobs : scratch_directory {
  folder_of_jobs() {
    ::setenv("XDG_RUNTIME_DIR", path.c_str(), 1);
    std::string const programs = PROCX_TEST_SUPPORT;
    ::setenv("PATH", (programs + ':' + std::getenv("PATH")).c_str(), 1);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(jobs, folder_of_jobs)

BOOST_AUTO_TEST_CASE(the_tool_does_what_the_page_shows) {
  auto const all = transcript();
  BOOST_TEST(all.size() > 8u);
  std::string code = "0";
  for (auto const& [command, output] : all) {
    if (command == "procx list") (void)output_of("procx remove count lower broken");
    std::string text = output_of("exec 2>&1; (exit " + code + "); " + command + "; echo \"code $?\"");
    auto const last = text.rfind("code ");
    code = text.substr(last + 5);
    while (!code.empty() && code.back() == '\n') code.pop_back();
    BOOST_TEST_INFO_SCOPE(command);
    BOOST_TEST(comparable(text.substr(0, last)) == comparable(output));
  }
  (void)output_of("procx stop $(cd \"$XDG_RUNTIME_DIR/procx\" && ls *.job | sed 's/.job$//')");
}

BOOST_AUTO_TEST_CASE(a_program_can_do_it_too) {
  std::filesystem::path const address = path / "sort.sock";
  std::ostringstream said;
  std::streambuf* const before = std::cout.rdbuf(said.rdbuf());
  //[
  px::start_job(address, {"sort", "-n"});
  px::stop_job(address, {.drain = true});
  px::job_status end = px::status_of_job(address);
  std::cout << end.status << '\n';
  //]
  std::cout.rdbuf(before);
  BOOST_TEST(said.str() == "exited with 0\n");
  px::remove_job(address);
}

BOOST_AUTO_TEST_SUITE_END()
