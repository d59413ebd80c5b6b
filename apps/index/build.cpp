#include "build.hpp"

#include "builder.hpp"
#include "console.hpp"
#include "index_file.hpp"
#include "walk.hpp"

#include "console/writer_lock.hpp"

#include <fmt/format.h>
#include <procx/process/worker_count.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <mntent.h>
#include <sys/resource.h>

namespace indexer {
namespace {

using seconds = std::chrono::duration<double>;

class stopwatch {
 public:
  /// Since it was made or last asked.
  seconds lap() {
    auto const before = std::exchange(last_, std::chrono::steady_clock::now());
    return last_ - before;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

seconds processor_time(int who) {
  rusage usage;
  ::getrusage(who, &usage);
  auto const seconds_of = [](timeval const& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
}

/// An index that lies in what it indexes does not index itself.
void leave_out(std::vector<found_file>& files, std::vector<std::string> const& paths) {
  std::erase_if(files, [&](found_file const& f) { return std::ranges::find(paths, f.path) != paths.end(); });
}

std::string summary(builder const& work, plan const& todo, listing const& found, seconds time) {
  tally const& t = work.results();
  std::int64_t const indexed = t.count(fate::indexed);
  std::string out = fmt::format("{} indexed ({}, {}), {} unchanged, {} removed, in {}", shown_plural(indexed, "file"),
                                shown_bytes(t.bytes()), shown_plural(t.lines(), "line"), shown_count(todo.unchanged),
                                shown_count(todo.removed), shown_time(time));
  auto const rate = static_cast<std::int64_t>(static_cast<double>(t.bytes()) / time.count());
  out += indexed > 0 ? fmt::format(" ({}/s)\n", shown_bytes(rate)) : "\n";

  std::string skipped = t.skipped();
  auto const also = [&](std::int64_t count, char const* what) {
    if (count > 0) skipped += (skipped.empty() ? "" : ", ") + shown_plural(count, what);
  };
  also(found.links, "symbolic link");
  also(found.special, "special file");
  if (!skipped.empty()) out += "not indexed: " + skipped + '\n';
  if (!t.named_all()) out += "to see them all: procx-index stats --skipped\n";
  return out;
}

/// What may be a disk that is not mounted: the roots, and what this system mounts below them.
std::vector<std::string> possible_disks(std::vector<std::string> const& roots) {
  struct close_table {
    void operator()(FILE* table) const { ::endmntent(table); }
  };
  std::vector<std::string> all = roots;
  std::unique_ptr<FILE, close_table> const table(::setmntent("/etc/fstab", "re"));
  while (table) {
    mntent const* const entry = ::getmntent(table.get());
    if (!entry) break;
    std::string const place = entry->mnt_dir;
    if (std::ranges::any_of(roots, [&](auto const& root) { return lies_within(place, root); })) all.push_back(place);
  }
  return all;
}

void warn(progress& bar, std::vector<plan::emptied> const& doubted) {
  for (plan::emptied const& d : doubted)
    bar.say(fmt::format("warning: {} had {} and has none now: kept as they were, for a disk may not be mounted there "
                        "(--allow-empty forgets them)",
                        shown_path(d.directory), shown_plural(d.files, "file")));
}

struct phases {
  seconds walking{0}, planning{0}, working{0};
};

std::string timings(phases const& p, builder const& work) {
  seconds const here = processor_time(RUSAGE_SELF), there = processor_time(RUSAGE_CHILDREN);
  return fmt::format("walking {:.3f} s, planning {:.3f}, reading and storing {:.3f}, of that committing {:.3f}\n"
                     "processor time: {:.3f} s here, {:.3f} s in the workers: {:.1f} % here\n{}",
                     p.walking.count(), p.planning.count(), p.working.count(), work.committing().count(), here.count(),
                     there.count(), 100 * here.count() / (here + there).count(), work.account());
}

/// The exit status of one that was.
int interrupted(progress& bar, std::string const& when) {
  int const signal = interruption();
  bar.say(fmt::format("interrupted ({}) {}; run it again to go on", ::strsignal(signal), when));
  return 128 + signal;
}

}  // namespace

int build(build_options const& options) {
  stopwatch total, phase;
  phases spent;
  std::string const index = index_path(options.index);
  std::vector<std::string> const roots = canonical_roots(options.directories);
  writer_lock const lock(index, "build");
  store database(index);
  progress bar;
  auto const workers = static_cast<int>(procx::worker_count(options.workers).resolve());
  watch_for_interruption(running_work::is_stopped);

  listing found = walk(roots, workers, [&](std::size_t files) {
    bar.walking(files);
    return interruption() == 0;
  });
  if (interruption() != 0) return interrupted(bar, "before the first file was read");
  leave_out(found.files, {index, index + "-journal", writer_lock::file_for(index)});
  spent.walking = phase.lap();
  plan_options how = options.plan;
  how.guarded = possible_disks(roots);
  plan todo = make_plan(std::move(found.files), database.files(), database.shards(), how);
  warn(bar, todo.doubted);
  spent.planning = phase.lap();

  builder work(todo, database, bar, workers, options.plan.max_bytes);
  database.set_roots(roots);
  work.run();
  spent.working = phase.lap();
  bar.clear();

  print(summary(work, todo, found, total.lap()) + (options.timings ? timings(spent, work) : ""));
  if (interruption() == 0) return done;
  auto const left = static_cast<std::int64_t>(todo.tasks.size()) - work.files_done();
  return interrupted(bar, fmt::format("with {} to go", shown_plural(left, "file")));
}

}  // namespace indexer
