// Tasks of 16 bytes that take from nothing to 100 ms, on two workers: whether the windows that procx chooses by itself
// are as good as the best that one could have chosen. A task looks at the clock until its time has passed.

#include "cases.hpp"
#include "small_task.hpp"
#include "spin.hpp"

#include <procx/procx.hpp>

#include <algorithm>
#include <chrono>
#include <ranges>

namespace bench {
namespace {

namespace px = procx;
using namespace std::chrono_literals;

char const* const untuned = "px::pmap, nothing tuned";
char const* const tuned = "px::pmap, best window";

measured px_pmap(std::size_t count, std::chrono::nanoseconds each, unsigned window) {
  task_sum sum;
  stopwatch const time;
  auto const inputs = std::views::iota(std::uint64_t{0}, std::uint64_t{count}) | std::views::transform(task_number);
  auto const work = [each](task_argument const& a) { return spin_and_do(a, each); };
  {
    auto results = px::pmap(work, inputs, {.workers = 2, .window = window});
    for (task_result const& r : results) sum.add(r);
  }
  double const ns = time.ns_each(count);
  sum.check_all(count, true);
  return {ns};
}

struct duration {
  std::string name;
  std::chrono::nanoseconds length;
};

/// As many tasks as take half a second, roughly, with so many of them in flight on each of two workers.
std::size_t tasks_in_half_a_second(std::chrono::nanoseconds length, unsigned window) {
  double const machinery = 30 + 7'000.0 / window;  // ns
  double const each = std::max(static_cast<double>(length.count()) / 2, machinery);
  return static_cast<std::size_t>(0.5e9 / each);
}

race tasks_of(duration const& d, effort e) {
  bool const tiny = d.length <= 1us;
  auto const count = [=](unsigned window) {
    return e.of(tasks_in_half_a_second(d.length, window), d.length > 1ms ? 2 : 50);
  };
  auto const in_unit = [=](measured m) { return measured{tiny ? m.value : m.value / 1e3}; };
  std::size_t const most = count(1024);

  race r{.title = "tasks of " + d.name,
         .unit = tiny ? "ns a task" : "µs a task",
         .reference = tuned,
         .contenders = {{untuned, [=] { return in_unit(px_pmap(most, d.length, 0)); }}},
         .best = {{tuned, {}}},
         .place = std::chrono::duration<double>(d.length).count()};
  for (unsigned const window : {1u, 2u, 4u, 16u, 64u, 256u, 1024u}) {
    std::string const name = "px::pmap, window " + std::to_string(window);
    r.contenders.push_back({name, [=] { return in_unit(px_pmap(count(window), d.length, window)); }});
    r.best[0].members.push_back(name);
  }
  r.contenders.push_back({"oneTBB, grain 1", [=] { return in_unit(tbb_tasks(most, d.length)); }, untuned});
  return r;
}

}  // namespace

std::vector<race> durations(effort e) {
  std::vector<race> all;
  for (duration const& d : {duration{"no time", 0ns}, {"1 µs", 1us}, {"10 µs", 10us}, {"100 µs", 100us},
                            {"1 ms", 1ms}, {"10 ms", 10ms}, {"100 ms", 100ms}})
    all.push_back(tasks_of(d, e));
  return all;
}

}  // namespace bench
