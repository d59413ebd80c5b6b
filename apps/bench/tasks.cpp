// Tasks with an argument and a result of 16 bytes each, on two workers: what the machinery costs when the work itself
// costs nothing. The peers that others have made are compared with pmap as one would use it. Starting and ending the
// workers is included (not so for Python, ZeroMQ and MPI, where it takes long).

#include "cases.hpp"
#include "mpi.hpp"
#include "python.hpp"
#include "small_task.hpp"

#include <procx/procx.hpp>

#include <ranges>

namespace bench {
namespace {

namespace px = procx;

measured px_pmap(std::size_t count, px::pmap_options options) {
  options.workers = 2;
  task_sum sum;
  stopwatch const time;
  auto const inputs = std::views::iota(std::uint64_t{0}, std::uint64_t{count}) | std::views::transform(task_number);
  {
    auto results = px::pmap(do_task, inputs, options);
    for (task_result const& r : results) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, options.ordered);
  return {each};
}

measured px_queue(std::size_t count) {
  task_sum sum;
  stopwatch const time;
  {
    px::queue<task_result> queue({.limit = 2, .reuse = true});
    auto const function = px::make_reusable([](task_argument const& a) { return do_task(a); });
    for (std::uint64_t n = 0; n < count; ++n) queue.start(function, task_number(n));
    for (task_result const& r : queue) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, false);
  return {each};
}

}  // namespace

std::vector<race> tasks(effort e) {
  std::size_t const many = e.of(1'000'000, 2000), some = e.of(300'000, 1000), few = e.of(30'000, 200);
  auto const raw = [](std::size_t window) { return "raw epoll loop, window " + std::to_string(window); };
  char const* const untuned = "px::pmap, nothing tuned";
  auto const zmq = [](std::size_t window) { return "ZeroMQ push/pull, window " + std::to_string(window); };
  return {{
      .title = "tasks of 16 bytes",
      .unit = "ns a task",
      .reference = raw(1024),
      .contenders = {{untuned, [=] { return px_pmap(many, {}); }},
                     {"px::pmap, not ordered", [=] { return px_pmap(many, {.ordered = false}); }},
                     {raw(1024), [=] { return raw_tasks(many, 1024); }},
                     {"raw rings in shared memory, window 1024", [=] { return ring_tasks(many, 1024); }, raw(1024)},
                     {"px::pmap, window 64", [=] { return px_pmap(some, {.window = 64}); }, raw(64)},
                     {raw(64), [=] { return raw_tasks(some, 64); }},
                     {"px::pmap, window 1", [=] { return px_pmap(few, {.window = 1}); }, raw(1)},
                     {raw(1), [=] { return raw_tasks(few, 1); }},
                     {"px::queue, reuse", [=] { return px_queue(some); }},
                     {"oneTBB parallel_for, grain 1", [=] { return tbb_tasks(many); }, untuned},
                     {zmq(64), [=] { return zmq_tasks(some, 64); }, untuned},
                     {zmq(256), [=] { return zmq_tasks(some, 256); }, untuned},
                     {zmq(1024), [=] { return zmq_tasks(some, 1024); }, untuned},
                     {zmq(4096), [=] { return zmq_tasks(some, 4096); }, untuned},
                     by_mpi("Boost.MPI task farm, window 64", some, 64, untuned),
                     in_python("Python imap_unordered, chunk 1", "tasks.py", {"imap", std::to_string(few), "1"},
                               untuned),
                     in_python("Python imap_unordered, chunk 64", "tasks.py", {"imap", std::to_string(some), "64"},
                               untuned),
                     in_python("Python ProcessPoolExecutor.map, chunk 64", "tasks.py",
                               {"executor", std::to_string(some), "64"}, untuned)},
      .best = {{"ZeroMQ push/pull, best window", {zmq(64), zmq(256), zmq(1024), zmq(4096)}, untuned}},
  }};
}

}  // namespace bench
