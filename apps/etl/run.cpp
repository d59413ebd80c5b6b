#include "run.hpp"

#include "chunk_reader.hpp"
#include "inputs.hpp"
#include "progress.hpp"
#include "report.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"
#include "console/interruption.hpp"
#include "console/output.hpp"
#include "console/writer_lock.hpp"

#include <procx/procx.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>

namespace px = procx;

namespace etl {
namespace {

using console::shown_count;
using console::shown_path;

/// The last stage, in this process and on the pipeline's thread: adds what comes to the database. After a failure it takes nothing more,
/// so that nothing is left out: what a worker could not read is missing in the row of chunks.
class adder {
 public:
  adder(store& to, progress& bar, std::size_t inputs) : store_(to), bar_(bar), next_(inputs) {}

  void add(chunk_result const& result) {
    if (stopped_) return;
    try {
      known_file const& file = store_.file(result.input);
      if (result.number != next_.at(result.input)++) {
        stopped_ = true;
        return;
      }
      if (result.last && !result.problem.empty()) tell(file, result.problem);
      if (result.unfinished)
        bar_.say(fmt::format("{}: its last line has no end yet, and is left for another run", shown_path(file.name)));
      flawed_ += result.counts.flawed.size();
      bytes_ += result.counts.bytes;
      bar_.add(result.weight, result.counts.bytes, result.counts.lines, result.counts.flawed.size());
      store_.add(result);
      ++chunks_;
      store_.commit_if_due();
    } catch (...) {
      failure_ = std::current_exception();
      stopped_ = true;
    }
  }
  /// There is no use in giving it more.
  bool stopped() const { return stopped_; }
  /// What the database has failed with; to be asked once nothing runs any more.
  std::exception_ptr failure() const { return failure_; }
  std::uint64_t flawed() const { return flawed_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t chunks() const { return chunks_; }
  std::uint64_t problems() const { return problems_; }

 private:
  void tell(known_file const& file, std::string const& problem) {
    ++problems_;
    bar_.say(fmt::format("{}: {}; what was before is counted", shown_path(file.name), problem));
  }

  store& store_;
  progress& bar_;
  std::vector<std::uint64_t> next_;  ///< number of each input's next chunk
  std::uint64_t flawed_ = 0, bytes_ = 0, chunks_ = 0, problems_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> stopped_{false};
};

std::string summary(store const& to, adder const& added, inputs const& from, std::chrono::duration<double> time) {
  auto const count = [](std::uint64_t n) { return shown_count(static_cast<std::int64_t>(n)); };
  std::string text = fmt::format("{} lines counted, {} set aside, {} in {}", count(to.requests()), count(added.flawed()),
                                 console::shown_bytes(static_cast<std::int64_t>(added.bytes())), console::shown_time(time));
  auto const rate = static_cast<double>(added.bytes()) / std::max(time.count(), 1e-3);
  if (added.bytes() > 0) text += fmt::format(" ({}/s)", console::shown_bytes(static_cast<std::int64_t>(rate)));
  if (from.counted_before() > 0)
    text += fmt::format("; {} had nothing new", console::shown_plural(static_cast<std::int64_t>(from.counted_before()), "log"));
  return text;
}

/// Reads all inputs through the pipeline, until the end, an interruption, or a failure, which is thrown.
void read_all(inputs& from, adder& to, store& database, run_options const& options) {
  auto const workers = px::worker_count(options.workers).resolve();
  auto p = px::pipeline({.max_size = 3 * static_cast<std::size_t>(workers) + 1})
               .add_origin([](chunk const& what, chunk_reader& reader) { return reader.read(what); },
                           {.workers = options.workers, .ordered = true, .retries = 2, .name = "parse"},
                           [duration = options.duration, size = options.chunk_size] { return chunk_reader(duration, size); })
               .add_destination([&](chunk_result const& result) { to.add(result); }, {.here = true, .name = "store"});
  p.start();
  while (!to.stopped() && console::interruption() == 0 && p.failures().empty()) {
    std::optional<chunk> const next = from.next();
    if (!next || console::interruption() != 0) break;
    p.feed(*next);
  }
  (void)p.join();
  if (options.explain) console::print_error(p.explain());
  if (to.failure()) std::rethrow_exception(to.failure());
  database.commit();
  auto const failures = p.failures();
  if (!failures.empty())
    throw console::failure(failures.front().what() + "; what was before is counted, and the same command goes on from there");
}

}  // namespace

int run(run_options options) {
  auto const began = std::chrono::steady_clock::now();
  // So that a database has one name, and one lock.
  options.database = std::filesystem::weakly_canonical(options.database);
  console::writer_lock const lock(options.database, "run");
  store database(options.database, options.storing);
  console::watch_for_interruption(console::running_work::goes_on);

  auto const say = [](std::string const& line) { console::print_error("procx-etl: " + line + '\n'); };
  inputs from(options.logs, database.files(), options.chunk_size, say);
  database.set_inputs(from.files());
  progress bar(from.weight(), options.quiet);
  adder to(database, bar, from.files().size());
  read_all(from, to, database, options);
  bar.clear();

  say(summary(database, to, from, std::chrono::steady_clock::now() - began));
  if (to.flawed() > 0) say("lines that were set aside are in " + shown_path(aside_file::path_for(options.database)));
  if (int const signal = console::interruption(); signal != 0) {
    say(fmt::format("interrupted ({}); the same command goes on from here", ::strsignal(signal)));
    return 128 + signal;
  }
  if (!options.report.empty()) write_report(options.database, options.report, options.title, options.storing.wait);
  return from.unreadable() + to.problems() > 0 ? console::not_all : console::done;
}

}  // namespace etl
