// What two processors cannot show of many workers: the processor time that the parent spends on a task, by the number
// of workers, which sleep instead of computing. From that follows how many workers one parent can feed.

#include "cases.hpp"
#include "results.hpp"
#include "small_task.hpp"

#include <procx/procx.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ranges>
#include <thread>
#include <utility>

#include <sys/prctl.h>
#include <time.h>

namespace bench {
namespace {

namespace px = procx;
using namespace std::chrono_literals;

/// What all threads of this process, and no other process, have used up, in ns.
double processor_time() {
  timespec t{};
  check_call(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), "clock_gettime");
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Takes so long on average. Short times are saved up for one sleep of a millisecond: an interrupt of the timer that ends
/// a sleep counts as the time of whoever runs just then, which is often the parent.
task_result sleep_and_do(task_argument const& a, std::chrono::nanoseconds each) {
  [[maybe_unused]] static int const exactly = ::prctl(PR_SET_TIMERSLACK, 1ul);
  static std::chrono::nanoseconds owed{};
  owed += each;
  if (owed >= 1ms) std::this_thread::sleep_for(std::exchange(owed, 0ns));
  return do_task(a);
}

struct plan {
  std::size_t workers;
  std::chrono::nanoseconds each;
  std::size_t count;
};

/// ns of the parent's processor time a task, and tasks a second; after the first tenth, in which workers start.
measured px_pmap(plan const& p) {
  auto const inputs = std::views::iota(std::uint64_t{0}, std::uint64_t{p.count}) | std::views::transform(task_number);
  auto const work = [each = p.each](task_argument const& a) { return sleep_and_do(a, each); };
  std::size_t const start = p.count / 10;
  std::size_t taken = 0;
  task_sum sum;
  stopwatch time;
  double used = 0;
  auto results = px::pmap(work, inputs, {.workers = p.workers});
  for (task_result const& r : results) {
    if (taken++ == start) {
      time = stopwatch();
      used = processor_time();
    }
    sum.add(r);
  }
  auto const measured_tasks = static_cast<double>(p.count - start);
  measured const m{(processor_time() - used) / measured_tasks, measured_tasks / time.seconds()};
  sum.check_all(p.count, true);
  return m;
}

std::string name_of(std::size_t workers) { return "px::pmap, " + std::to_string(workers) + " workers"; }

race tasks_of(std::string const& name, std::chrono::nanoseconds each, effort e) {
  race r{.title = "the parent's processor time for tasks that " + name,
         .unit = "ns a task",
         .reference = name_of(2),
         .second = "per s",
         .most_rounds = 3};
  std::vector<std::size_t> const numbers{2, 8, 32, 128};
  for (std::size_t const workers : numbers) {
    double const seconds = std::chrono::duration<double>(each + 10ns).count();
    double const rate = std::min(static_cast<double>(workers) / seconds, 5e6);  // more are too many for the parent
    auto const half_a_second = static_cast<std::size_t>(rate / 2);
    std::size_t const count = e.of(half_a_second, 10 * workers);
    r.contenders.push_back({name_of(workers), [=] { return px_pmap({workers, each, count}); }});
  }
  if (each > 0ns)
    r.remark = [=](race_result const& done) {
      std::string fed;
      for (standing const& s : done.standings) {
        if (!s.value) continue;
        double const workers = static_cast<double>(each.count()) / s.value->median;
        fed += fmt::format("{}{:.0f}", fed.empty() ? "" : ", ", workers);
      }
      return "With that one parent can keep so many workers busy, row by row: " + fed + ".";
    };
  return r;
}

}  // namespace

std::vector<race> scale(effort e) {
  return {tasks_of("do nothing", 0ns, e), tasks_of("sleep 10 µs on average", 10us, e),
          tasks_of("sleep 100 µs on average", 100us, e), tasks_of("sleep 1 ms", 1ms, e)};
}

}  // namespace bench
