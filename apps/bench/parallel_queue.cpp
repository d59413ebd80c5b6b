// Tasks with an argument and a result of 16 bytes each, put by one thread and got in order by another, on two workers:
// what the queue's two ends cost beside a map, whose caller does everything on one thread. Starting and ending the
// workers is included (not for Python, where it takes long).

#include "cases.hpp"
#include "python.hpp"
#include "small_task.hpp"

#include <procx/procx.hpp>

#include <ranges>
#include <thread>

namespace bench {
namespace {

namespace px = procx;

measured px_pmap(std::size_t count) {
  task_sum sum;
  stopwatch const time;
  auto const inputs = std::views::iota(std::uint64_t{0}, std::uint64_t{count}) | std::views::transform(task_number);
  {
    auto results = px::pmap(do_task, inputs, {.workers = 2});
    for (task_result const& r : results) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, true);
  return {each};
}

/// `put(queue, argument)` puts one task.
template <class Make, class Put>
measured through_queue(std::size_t count, Make make, Put put) {
  task_sum sum;
  stopwatch const time;
  {
    auto queue = make(px::parallel_queue_options{.workers = 2});
    std::jthread const producer([&] {
      for (std::uint64_t n = 0; n < count; ++n) put(queue, task_number(n));
      queue.stop();
    });
    for (task_result const& r : queue) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, true);
  return {each};
}

measured px_parallel_queue(std::size_t count) {
  return through_queue(
      count, [](px::parallel_queue_options const& o) { return px::parallel_queue<task_result>(o); },
      [](auto& queue, task_argument const& a) { queue.put(do_task, a); });
}

measured px_single_task_queue(std::size_t count) {
  return through_queue(
      count, [](px::parallel_queue_options const& o) { return px::parallel_single_task_queue(do_task, o); },
      [](auto& queue, task_argument const& a) { queue.put(a); });
}

}  // namespace

std::vector<race> parallel_queue(effort e) {
  std::size_t const many = e.of(1'000'000, 2000), some = e.of(300'000, 1000);
  char const* const queue = "px::parallel_queue";
  return {{
      .title = "tasks of 16 bytes through a queue",
      .unit = "ns a task",
      .reference = "px::pmap",
      .contenders = {{"px::pmap", [=] { return px_pmap(many); }},
                     {queue, [=] { return px_parallel_queue(many); }},
                     {"px::parallel_single_task_queue", [=] { return px_single_task_queue(many); }},
                     in_python("Python Pool.imap, chunk 64", "tasks.py", {"imap_in_order", std::to_string(some), "64"},
                               queue)},
  }};
}

}  // namespace bench
