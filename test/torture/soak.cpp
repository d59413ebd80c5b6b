// Everything at once, again and again, with tasks that throw and kill their process: what the parent has of memory and
// descriptors does not grow, and the work does not become slower.
//
// PROCX_SOAK_MINUTES says for how long (scripts/torture soak: 30), PROCX_SOAK_SVG where the plot goes.
#define BOOST_TEST_MODULE soak
#include "bench/svg.hpp"
#include "process/process_state.hpp"
#include "support/observe.hpp"
#include "workload/workload.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;
using workload::mode;

struct part {
  mode how;
  std::size_t words;
  std::size_t tasks;
};
constexpr std::size_t large = 12 * 1024;
std::vector<part> const parts{
    {mode::queue, 4, 300},           {mode::map, 4, 300},           {mode::queue_reuse, 4, 40'000},
    {mode::map_reuse, 4, 40'000},    {mode::pmap, 4, 80'000},       {mode::pmap_unordered, 4, 80'000},
    {mode::process_pool, 4, 60'000}, {mode::parallel_queue, 4, 60'000}, {mode::queue_reuse, large, 600},
    {mode::map_reuse, large, 600},   {mode::pmap, large, 1500},     {mode::pmap_unordered, large, 1500},
    {mode::process_pool, large, 1500}, {mode::parallel_queue, large, 1500}, {mode::channel, 4, 60},
};

/// Of this process, in KiB.
double resident() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, pages = 0;
  statm >> size >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

double cpu_seconds() {
  double sum = 0;
  for (auto const who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    for (timeval const& t : {used.ru_utime, used.ru_stime})
      sum += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  }
  return sum;
}

std::size_t processes() {
  std::size_t count = 0;
  for (pid_t const child : observe::children_of(::getpid())) count += 1 + observe::children_of(child).size();
  return count;
}

struct sample {
  double minute = 0;
  double memory = 0;  ///< KiB
  std::size_t descriptors = 0;
  std::size_t processes = 0;
  double rate = 0;      ///< tasks a second
  double cpu_rate = 0;  ///< tasks a second of processors, of a whole round
};

/// Looks at this process every few seconds, between two outcomes, and at the end of each round, when nothing runs.
class watcher {
 public:
  void step() {
    ++tasks_;
    auto const now = clock::now();
    if (now - last_ < 5s) return;
    samples.push_back(look(now, static_cast<double>(tasks_ - tasks_at_last_) / seconds(now - last_).count()));
    last_ = now;
    tasks_at_last_ = tasks_;
    auto const& s = samples.back();
    std::printf("%5.1f min: %6.1f MiB, %2zu descriptors, %zu processes, %.0f tasks/s\n", s.minute, s.memory / 1024,
                s.descriptors, s.processes, s.rate);
    std::fflush(stdout);
  }
  void end_round() {
    auto const now = clock::now();
    auto const until = now + 3s;
    while (observe::has_children() && clock::now() < until) {
      procx::detail::reap_abandoned();
      ::usleep(1000);
    }
    // What the heap keeps for the next round is not what the library holds.
    ::malloc_trim(0);
    double const cpu = cpu_seconds();
    auto const tasks = static_cast<double>(tasks_ - tasks_at_round_);
    rounds.push_back(look(now, tasks / seconds(now - round_).count()));
    rounds.back().cpu_rate = tasks / std::max(0.01, cpu - cpu_at_round_);
    round_ = clock::now();
    tasks_at_round_ = tasks_;
    cpu_at_round_ = cpu;
  }
  std::size_t tasks() const { return tasks_; }

  std::vector<sample> samples, rounds;

 private:
  sample look(clock::time_point now, double rate) const {
    return {seconds(now - began_).count() / 60, resident(), observe::open_descriptors(), processes(), rate};
  }

  clock::time_point began_ = clock::now(), last_ = began_, round_ = began_;
  std::size_t tasks_ = 0, tasks_at_last_ = 0, tasks_at_round_ = 0;
  double cpu_at_round_ = cpu_seconds();
};

template <class Of>
double median(std::vector<sample> const& all, std::size_t from, std::size_t to, Of of) {
  std::vector<double> values;
  for (std::size_t i = from; i < to; ++i) values.push_back(static_cast<double>(of(all[i])));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void draw(std::string const& file, std::vector<sample> const& rounds, std::vector<sample> const& samples) {
  std::size_t const few = std::max<std::size_t>(1, rounds.size() / 10);
  auto const percent = [few](std::string name, std::vector<sample> const& all, auto of) {
    bench::curve c{std::move(name), {}};
    double const first = median(all, 0, std::min(all.size(), few), of);
    for (sample const& s : all) c.points.emplace_back(s.minute, 100 * static_cast<double>(of(s)) / first);
    return c;
  };
  std::vector<bench::curve> curves{
      percent("memory between rounds", rounds, [](sample const& s) { return s.memory; }),
      percent("tasks in a second of processors", rounds, [](sample const& s) { return s.cpu_rate; }),
      percent("descriptors between rounds", rounds, [](sample const& s) { return s.descriptors; })};
  double const last = std::max(rounds.back().minute, samples.empty() ? 0 : samples.back().minute);
  double const tick = last > 20 ? 5 : last > 4 ? 1 : last / 4;
  bench::axis x{"minutes", 0, last, {}}, y{"percent of the beginning", 0, 150, {}};
  for (double at = 0; at <= last; at += tick) {
    char text[16];
    std::snprintf(text, sizeof text, "%g", std::round(at * 10) / 10);
    x.ticks.push_back({at, text});
  }
  for (int at = 0; at <= 150; at += 25) y.ticks.push_back({static_cast<double>(at), std::to_string(at)});
  std::ofstream(file) << bench::line_chart("All modes at full load on a shared machine, with tasks that fail", x, y, curves);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(soak)

BOOST_AUTO_TEST_CASE(memory_descriptors_and_speed_stay_as_they_are) {
  char const* const asked = std::getenv("PROCX_SOAK_MINUTES");
  double const minutes = asked ? std::atof(asked) : 0;
  std::size_t const scale = minutes > 0 ? 1 : observe::instrumented ? 100 : 20;
  std::size_t const least_rounds = minutes > 0 ? 4 : 3;
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);

  watcher seen;
  workload::tally all;
  auto const until = clock::now() + std::chrono::duration_cast<clock::duration>(seconds(minutes * 60));
  while (clock::now() < until || seen.rounds.size() < least_rounds) {
    for (part const& p : parts)
      all += workload::run({.how = p.how,
                            .tasks = std::max<std::size_t>(p.tasks / scale, 6),
                            .words = p.words,
                            .spin = 2us,
                            .trouble = p.tasks > 10'000 ? 97u : 19u},
                           [&] { seen.step(); });
    seen.end_round();
    BOOST_TEST(seen.rounds.back().processes == 0u);
  }

  auto const& rounds = seen.rounds;
  std::size_t const quarter = std::max<std::size_t>(1, rounds.size() / 4);
  std::size_t const warm = rounds.size() > 8 ? 1 : 0;  // the first round makes what is kept
  auto const first = [&](auto of) { return median(rounds, warm, warm + quarter, of); };
  auto const last = [&](auto of) { return median(rounds, rounds.size() - quarter, rounds.size(), of); };
  auto const memory = [](sample const& s) { return s.memory; };
  auto const descriptors = [](sample const& s) { return s.descriptors; };
  auto const speed = [](sample const& s) { return s.cpu_rate; };
  std::printf("%zu rounds, %zu tasks: %s\n", rounds.size(), seen.tasks(), all.text().c_str());
  std::printf("first and last quarter: %.1f and %.1f MiB, %.0f and %.0f descriptors, %.0f and %.0f tasks a second of processors\n",
              first(memory) / 1024, last(memory) / 1024, first(descriptors), last(descriptors), first(speed), last(speed));
  BOOST_TEST(last(descriptors) == first(descriptors));
  BOOST_TEST(rounds.back().descriptors == rounds.front().descriptors);
  if (!observe::instrumented) BOOST_TEST(last(memory) < first(memory) * 1.05 + 2048);
  if (minutes > 0) BOOST_TEST(last(speed) > first(speed) * 0.8);
  if (char const* const svg = std::getenv("PROCX_SOAK_SVG")) draw(svg, rounds, seen.samples);
}

BOOST_AUTO_TEST_SUITE_END()
