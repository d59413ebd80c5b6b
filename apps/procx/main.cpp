// procx: the command-line tool. See each.hpp and info.hpp for what its commands do.

#include "each.hpp"
#include "info.hpp"

#include <procx/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

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
  each->add_option("command", options.command, "The command; {} in it stands for the line, which else comes last")
      ->required();
  each->prefix_command();
  each->footer("Exit status: 0 if every run succeeded, 1 if not, 2 if the output cannot be written.");
  return each;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // an output that nobody reads any more is noticed where it is written
  CLI::App app("Runs work in other processes. The library is what it is about; see its README.", "procx");
  app.set_version_flag("--version", fmt::format("{}.{}.{}", PROCX_VERSION / 10000, PROCX_VERSION / 100 % 100,
                                                PROCX_VERSION % 100));
  app.require_subcommand(1);
  each_options options;
  auto* const run_each = add_each(app, options);
  auto* const run_info = app.add_subcommand("info", "Print what procx finds on this machine");
  CLI11_PARSE(app, argc, argv);
  try {
    if (*run_info) return info();
    if (*run_each) return each(options);
  } catch (std::exception const& e) {
    fmt::print(stderr, "procx: {}\n", e.what());
  }
  return 1;
}
