// procx-index: a full-text index of directories, built by as many processes as there are cores.
//
// A pipeline of two stages: the words of a batch of files are sorted into a small full-text table by a worker (shard.hpp), and
// this process only adds the finished tables to the index (store.hpp). See also: walk.hpp and plan.hpp, which files are read;
// builder.hpp, the pipeline.

#include "build.hpp"
#include "console.hpp"
#include "index_file.hpp"
#include "inspect.hpp"
#include "search.hpp"

#include <CLI/CLI.hpp>
#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace indexer;

struct command_line {
  build_options build;
  search_options search;
  std::string inspected;
  bool skipped = false;
  std::int64_t max_megabytes = 16;
};

CLI::App* add_build(CLI::App& app, command_line& args) {
  auto* build = app.add_subcommand("build", "Make the index agree with what is in the directories now");
  build->add_option("directory", args.build.directories, "What to index");
  build->add_option("-o,--output", args.build.index, "The index")->required();
  build->add_option("-j,--workers", args.build.workers, "Worker processes; 0 = one for each core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  build->add_option("--max-size", args.max_megabytes, "Do not read files larger than this, in MiB")
      ->capture_default_str()
      ->check(CLI::Range(1, 512));
  build->add_flag("--retry", args.build.plan.retry_failed, "Try files again that failed last time");
  build->add_flag("--allow-empty", args.build.plan.allow_empty,
                  "Forget the files of a directory that has none any more, though a disk may not be mounted there");
  build->add_flag("--timings", args.build.timings, "Say where the time went, and what held the build up");
  build->footer("What has not changed is not read again; what is gone is forgotten. Ctrl-C leaves an index of what was\n"
                "done, and the next build goes on from there. Symbolic links are not followed.");
  return build;
}

CLI::App* add_search(CLI::App& app, command_line& args) {
  auto* search = app.add_subcommand("search", "Print the best matches: file, line, text");
  search->add_option("index", args.search.index, "The index")->required();
  search->add_option("word", args.search.words, "What a file must have: all of it, as it is written");
  search->add_option("-n,--limit", args.search.limit, "How many files at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  search->add_flag("--expression", args.search.expression,
                   "The words are an expression of FTS5: AND, OR, NOT, NEAR, pre*");
  search->footer("A word that begins with a dash, or one in [brackets], comes after \"--\".");
  return search;
}

CLI::App* add_stats(CLI::App& app, command_line& args) {
  auto* stats = app.add_subcommand("stats", "Say what is in an index");
  stats->add_option("index", args.inspected, "The index")->required();
  stats->add_flag("--skipped", args.skipped, "Name every file that is not indexed");
  return stats;
}

CLI::App* add_check(CLI::App& app, command_line& args) {
  auto* check = app.add_subcommand("check", "Look for damage; print a checksum of what the index says");
  check->add_option("index", args.inspected, "The index")->required();
  return check;
}

/// What comes after "--" is never an option. (CLI11 would take it from the subcommand.)
std::vector<std::string> cut_off_operands(int& argc, char** argv) {
  char** const end = argv + argc;
  char** const dashes = std::find(argv, end, std::string_view("--"));
  argc = static_cast<int>(dashes - argv);
  return dashes == end ? std::vector<std::string>() : std::vector<std::string>(dashes + 1, end);
}

void append(std::vector<std::string>& to, std::vector<std::string> const& operands, char const* name) {
  to.insert(to.end(), operands.begin(), operands.end());
  if (to.empty()) throw CLI::RequiredError(name);
}

int run(int argc, char** argv) {
  command_line args;
  CLI::App app("A full-text index of directories, built in parallel.", "procx-index");
  app.require_subcommand(1);
  app.footer("Exit status: 0, 1 = no match, 2 = error, 3 = another build is under way, 130 or 143 = interrupted.");
  auto const* build_command = add_build(app, args);
  auto const* search_command = add_search(app, args);
  auto const* stats_command = add_stats(app, args);
  add_check(app, args);
  auto const operands = cut_off_operands(argc, argv);
  try {
    app.parse(argc, argv);
    if (build_command->parsed()) append(args.build.directories, operands, "directory");
    if (search_command->parsed()) append(args.search.words, operands, "word");
  } catch (CLI::ParseError const& e) {
    return app.exit(e) == 0 ? done : failed;
  }
  args.build.plan.max_bytes = args.max_megabytes << 20;
  if (build_command->parsed()) return build(args.build);
  if (search_command->parsed()) return search(args.search);
  if (stats_command->parsed()) return stats(args.inspected, args.skipped);
  return check(args.inspected);
}

void complain(std::string const& message) { print_error(fmt::format("procx-index: {}\n", message)); }

}  // namespace

int main(int argc, char** argv) try {
  keep_standard_streams_apart();
  std::signal(SIGPIPE, SIG_IGN);  // print() sees for itself that nobody reads
  ::sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);  // a database is used by one thread here, in every process
  ::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return run(argc, argv);
} catch (failure const& e) {
  return complain(e.what()), e.code();
} catch (SQLite::Exception const& e) {
  return complain(explain(e)), failed;
} catch (std::exception const& e) {
  return complain(e.what()), failed;
}
