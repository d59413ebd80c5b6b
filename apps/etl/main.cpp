// procx-etl: access logs of web servers into a database and a page, parsed by as many processes as there are cores.
//
// Workers make digests of chunks of lines (digester.hpp); this process adds them in order to the database, with the places that they
// came from (store.hpp), and makes the page of it (report.hpp). See also: run.cpp, the pipeline; visits.hpp, how visits are joined.

#include "database.hpp"
#include "generate.hpp"
#include "report.hpp"
#include "run.hpp"

#include "console/failure.hpp"
#include "console/output.hpp"

#include <CLI/CLI.hpp>
#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <csignal>
#include <exception>
#include <map>
#include <string>

#include <malloc.h>

namespace {

using namespace etl;

struct command_line {
  run_options run;
  generate_options generate;
  std::string database, page = "-", title;
  std::string duration = "auto", format = "combined", generated_duration = "seconds";
  std::int64_t chunk_kib = 4096;
  double wait = 30, between_commits = 2;
};

std::map<std::string, time_field> const durations{{"auto", time_field::automatic},
                                                  {"none", time_field::none},
                                                  {"seconds", time_field::seconds},
                                                  {"milliseconds", time_field::milliseconds},
                                                  {"microseconds", time_field::microseconds}};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

CLI::App* add_run(CLI::App& app, command_line& args) {
  auto* run = app.add_subcommand("run", "Add access logs to a database");
  run->add_option("log", args.run.logs, "Logs in common or combined format, plain or gzip; - is standard input")->required();
  run->add_option("-d,--database", args.run.database, "The database; made if it is not there")->required();
  run->add_option("-r,--report", args.run.report, "Write the page about the whole database to this file");
  run->add_option("--title", args.title, "What the page is called");
  run->add_option("-j,--workers", args.run.workers, "Worker processes; 0 = one for each core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  run->add_option("--duration", args.duration,
                  "What the number behind the agent is that says how long a request took; auto = seconds if it has a point, "
                  "otherwise microseconds")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "none", "seconds", "milliseconds", "microseconds"}));
  run->add_option("--wait", args.wait, "Wait for other programs that use the database, in seconds")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86'400.0));
  run->add_option("--commit", args.between_commits, "Commit every so many seconds at most; what is lost by a crash is counted again")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3'600.0));
  run->add_option("--chunk", args.chunk_kib, "What a worker is given at once, in KiB")->capture_default_str()->check(CLI::Range(1, 65'536));
  run->add_flag("-q,--quiet", args.run.quiet, "Do not say how far it has come");
  run->add_flag("--explain", args.run.explain, "Say what each stage of the pipeline did");
  run->footer("A log is known by what it says, also when it was renamed, packed or has grown: nothing is counted twice. So the\n"
              "same command goes on after an interruption or a crash. Lines that cannot be read are set aside in\n"
              "<database>-invalid.tsv: file, line, offset, reason, text.\n\n"
              "Exit status: 0; 1 = a log could not be read, or not to its end; 2 = error; 3 = another run is writing the\n"
              "database; 130 or 143 = interrupted. After all of these the same command goes on.");
  return run;
}

CLI::App* add_report(CLI::App& app, command_line& args) {
  auto* report = app.add_subcommand("report", "Make the page about a database");
  report->add_option("database", args.database, "The database")->required();
  report->add_option("-o,--output", args.page, "The page; - is standard output")->capture_default_str();
  report->add_option("--title", args.title, "What the page is called");
  report->footer("Exit status: 0, or 2 = error.");
  return report;
}

CLI::App* add_generate(CLI::App& app, command_line& args) {
  auto* generate = app.add_subcommand("generate", "Write the access log of a made-up site");
  generate_options& g = args.generate;
  generate->add_option("-n,--lines", g.lines, "Number of lines")->capture_default_str();
  generate->add_option("-s,--seed", g.traffic.seed, "The same seed gives the same lines")->capture_default_str();
  generate->add_option("-o,--output", g.output, "The log; - is standard output")->capture_default_str();
  generate->add_option("--begin", g.begin, "The first day")->capture_default_str();
  generate->add_option("--rate", g.traffic.per_second, "Requests per second, on average")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 1e9));
  generate->add_option("--invalid", g.traffic.flawed, "Share of lines that cannot be read")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  generate->add_option("--format", args.format, "common or combined")->capture_default_str()->check(CLI::IsMember({"common", "combined"}));
  generate->add_option("--duration", args.generated_duration, "How long a request took: seconds, microseconds or none")
      ->capture_default_str()
      ->check(CLI::IsMember({"seconds", "microseconds", "none"}));
  generate->add_flag("--gzip", g.gzip, "Pack it");
  generate->footer("Exit status: 0, or 2 = error.");
  return generate;
}

int run_program(int argc, char** argv) {
  command_line args;
  CLI::App app("Access logs of web servers into an SQLite database and one HTML page, parsed in parallel.", "procx-etl");
  app.require_subcommand(1);
  auto const* run_command = add_run(app, args);
  auto const* report_command = add_report(app, args);
  add_generate(app, args);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return app.exit(e) == 0 ? console::done : console::failed;
  }
  if (run_command->parsed()) {
    args.run.title = args.title;
    args.run.duration = durations.at(args.duration);
    args.run.chunk_size = static_cast<std::uint64_t>(args.chunk_kib) << 10;
    args.run.storing = {milliseconds(args.wait), milliseconds(args.between_commits)};
    return run(args.run);
  }
  if (report_command->parsed()) {
    write_report(args.database, args.page, args.title, milliseconds(args.wait));
    return console::done;
  }
  args.generate.traffic.combined = args.format == "combined";
  args.generate.traffic.duration = durations.at(args.generated_duration);
  return generate(args.generate);
}

int complain(std::string const& message, int code) {
  console::print_error(fmt::format("procx-etl: {}\n", message));
  return code;
}

}  // namespace

int main(int argc, char** argv) try {
  console::keep_standard_streams_apart();
  std::signal(SIGPIPE, SIG_IGN);  // each write reports a closed output by its error
  // What comes from a worker is some hundred kilobytes, over and over: its memory is not given back to the system each time.
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  ::sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);  // one thread at a time uses a database here
  ::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return run_program(argc, argv);
} catch (console::failure const& e) {
  return complain(e.what(), e.code());
} catch (SQLite::Exception const& e) {
  return complain(etl::explain(e), console::failed);
} catch (std::exception const& e) {
  return complain(e.what(), console::failed);
}
