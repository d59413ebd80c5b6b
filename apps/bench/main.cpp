// procx-bench: procx beside its peers.
//
// Each case is one source (cases.hpp names them): races between contenders that do the same work. The contenders of a
// race run in turn, round after round, each time in a fresh process (apart.hpp); what counts is the ratio between two
// of them in the same round (results.hpp).

#include "cases.hpp"
#include "figures.hpp"
#include "output.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace bench;

struct command_line {
  std::vector<std::string> cases;
  std::size_t rounds = 5;
  std::string pin = "none";
  std::string json;
  std::string svg;
  std::string contender;
  bool quick = false;
};

std::string footer() {
  std::string text = "Cases (all, if none is named):\n";
  for (bench_case const& c : all_cases()) text += fmt::format("  {:<16}{}\n", c.name, c.about);
  return text + "Exit status: 0, 1 = a contender failed, 2 = error.";
}

void describe(CLI::App& app, command_line& args) {
  std::vector<std::string> names;
  for (bench_case const& c : all_cases()) names.push_back(c.name);
  app.add_option("case", args.cases, "What to measure")->check(CLI::IsMember(names));
  app.add_option("--rounds", args.rounds, "How often each contender runs")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--contender", args.contender, "Only those whose name contains this");
  app.add_option("--pin", args.pin, "The processors to use, such as 0 or 0,1; none = any")->capture_default_str();
  app.add_option("--json", args.json, "Also write everything to this file");
  app.add_option("--svg", args.svg, "Also draw the figures of tasks, durations and payloads into this folder");
  app.add_flag("--quick", args.quick, "Do so little work that figures mean nothing: to see that everything works");
  app.footer(footer());
}

/// Says on a terminal who is at work.
void show_progress(std::string const& text) {
  static bool const terminal = ::isatty(STDERR_FILENO);
  if (terminal) fmt::print(stderr, "\r\x1b[K{}", text);
}

bool asked_for(bench_case const& c, command_line const& args) {
  return args.cases.empty() || std::find(args.cases.begin(), args.cases.end(), c.name) != args.cases.end();
}

/// The races of a case, with the contenders that are asked for.
std::vector<race> races_of(bench_case const& c, command_line const& args) {
  std::vector<race> races = c.races(effort{args.quick});
  for (race& r : races)
    std::erase_if(r.contenders, [&](contender const& who) { return who.name.find(args.contender) == who.name.npos; });
  std::erase_if(races, [](race const& r) { return r.contenders.empty(); });
  return races;
}

void write_file(std::filesystem::path const& where, std::string const& text) {
  if (!(std::ofstream(where) << text << std::flush)) throw std::runtime_error("cannot write " + where.string());
}

int run(command_line const& args) {
  run_settings const how{.rounds = args.rounds, .where = pinning::parse(args.pin)};
  for (auto const& [key, value] : surroundings(how)) fmt::print("{}: {}\n", key, value);

  std::vector<std::pair<std::string, race_result>> results;
  for (bench_case const& c : all_cases()) {
    if (!asked_for(c, args)) continue;
    for (race const& r : races_of(c, args)) {
      results.emplace_back(c.name, run_race(r, how, [&](std::string const& name, std::size_t round) {
                             show_progress(fmt::format("{}, round {}: {}", c.name, round + 1, name));
                           }));
      show_progress("");
      fmt::print("\n{}", to_text(results.back().second));
      std::fflush(stdout);
    }
  }
  if (!args.json.empty()) write_file(args.json, to_json(how, results));
  if (!args.svg.empty()) {
    std::filesystem::path const folder = args.svg;
    std::filesystem::create_directories(folder);
    for (figure const& f : draw_figures(results)) write_file(folder / (f.name + ".svg"), f.svg);
  }
  return std::any_of(results.begin(), results.end(), [](auto const& r) { return r.second.failed(); });
}

}  // namespace

int main(int argc, char** argv) try {
  command_line args;
  CLI::App app("Measures procx beside its peers.", "procx-bench");
  describe(app, args);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return run(args);
} catch (std::exception const& e) {
  fmt::print(stderr, "procx-bench: {}\n", e.what());
  return 2;
}
