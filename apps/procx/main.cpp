// procx: the command-line tool. See each.hpp, info.hpp and job_commands.hpp for what its commands do.

#include "console/output.hpp"
#include "each.hpp"
#include "info.hpp"
#include "job_command_line.hpp"
#include "job_text.hpp"

#include <procx/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

CLI::App* add_each(CLI::App& app, each_options& options) {
  auto* each = app.add_subcommand("each", "Run a command for each line of standard input, many at a time");
  each->add_option_function<int>(
          "-j,--workers", [&](int n) { options.workers = n; },
          "How many at a time; 0 = one for each core, -N = all cores but N")
      ->default_str("0");
  each->add_flag("-u,--unordered", options.as_they_come, "Print what the runs write as they end, not in the order of lines");
  each->add_option("-r,--retries", options.retries, "How often a failed run is tried again")->capture_default_str();
  each->add_option_function<double>(
          "-t,--timeout",
          [&](double s) { options.timeout = std::chrono::milliseconds(static_cast<long>(s * 1000)); },
          "Kill a run that takes longer than so many seconds")
      ->check(CLI::Range(0.001, 1e7));
  each->add_option("command", options.command,
                   "The command and all that follows; {} in it stands for the line, which else comes last");
  each->footer("Exit status: 0 if every run succeeded, 1 if not, 2 if the output cannot be written.");
  return each;
}

bool takes_value(CLI::App const& app, std::string const& option) {
  auto const* const known = app.get_option_no_throw(option);
  return known && known->get_items_expected_max() > 0;
}

/// How many words of a command line an option takes, with its value if that is a word of its own.
int words_of_option(CLI::App const& app, std::string const& word) {
  if (word.starts_with("--")) return 1 + takes_value(app, word);  // of --name=value the value is no other word
  for (std::size_t at = 1; at < word.size(); ++at)
    if (takes_value(app, {'-', word[at]})) return 1 + (at + 1 == word.size());  // or the rest of this word is the value
  return 1;
}

/// Where a subcommand's own words end: at a `--`, or at the first word behind so many that is no option. Everything behind is the
/// command's.
int end_of_own_words(CLI::App const& sub, int words, int argc, char** argv) {
  int at = 2;
  while (at < argc && std::strcmp(argv[at], "--") != 0) {
    bool const option = argv[at][0] == '-' && argv[at][1] != '\0';
    if (!option && words-- == 0) break;
    at += option ? words_of_option(sub, argv[at]) : 1;
  }
  return std::min(at, argc);
}

int end_of_own_words(CLI::App const& each, CLI::App const& start, int argc, char** argv) {
  if (argc >= 2 && each.get_name() == argv[1]) return end_of_own_words(each, 0, argc, argv);
  if (argc >= 2 && start.get_name() == argv[1]) return end_of_own_words(start, 1, argc, argv);
  return argc;
}

}  // namespace

int main(int argc, char** argv) {
  console::keep_standard_streams_apart();
  std::signal(SIGPIPE, SIG_IGN);  // an output that nobody reads any more is noticed where it is written
  CLI::App app("Runs work in other processes. The library is what it is about; see its README.", "procx");
  app.set_version_flag("--version", fmt::format("{}.{}.{}", PROCX_VERSION / 10000, PROCX_VERSION / 100 % 100,
                                                PROCX_VERSION % 100));
  app.require_subcommand(1);
  each_options options;
  auto* const run_each = add_each(app, options);
  auto* const run_info = app.add_subcommand("info", "Print what procx finds on this machine");
  job_command_line const jobs(app);
  int const own = end_of_own_words(*run_each, jobs.start(), argc, argv);
  CLI11_PARSE(app, own, argv);
  std::vector<std::string> words(argv + own, argv + argc);
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if ((*run_each || jobs.start()) && words.empty()) return app.exit(CLI::RequiredError("command"));
  auto const run_job = jobs.chosen();
  try {
    if (*run_info) return info();
    if (run_job) return run_job(words);
    options.command = std::move(words);
    return each(options);
  } catch (std::exception const& e) {
    fmt::print(stderr, "procx: {}\n", e.what());
  }
  return run_job ? unknown_exit : 1;
}
