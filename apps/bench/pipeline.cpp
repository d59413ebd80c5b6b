// Items of an int through three stages that do next to nothing, in order, results checked: what the machinery costs. Beside
// oneTBB's parallel_pipeline with the same functions (128 tokens), pmap with all three in one function, and Python. Starting and ending
// is included.

#include "cases.hpp"
#include "python.hpp"
#include "small_task.hpp"

#include <procx/procx.hpp>

#include <ranges>
#include <string>
#include <thread>

namespace bench {
namespace {

namespace px = procx;

task_argument first(std::uint64_t n) { return task_number(n); }
task_argument second(task_argument a) { return {a.number, a.factor}; }
task_result third(task_argument const& a) { return do_task(a); }

task_result all_three(std::uint64_t n) { return third(second(first(n))); }

/// `make` gives the pipeline.
template <class Make>
measured run_pipeline(std::size_t count, bool ordered, Make make) {
  task_sum sum;
  stopwatch const time;
  {
    auto p = make();
    p.start();
    std::jthread const feeder([&] {
      for (std::uint64_t n = 0; n < count; ++n) p.feed(n);
      static_cast<void>(p.join());
    });
    for (task_result const& r : p.as_completed()) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, ordered);
  return {each};
}

/// Two processes for as many stages as run together.
measured px_pipeline(std::size_t count, bool apart) {
  px::stage_options const own{.workers = 2, .ordered = true};
  px::stage_options const with_first = apart ? own : px::stage_options{};
  return run_pipeline(count, true, [&] {
    return px::pipeline().add_task(first, own).add_task(second, with_first).add_task(third, with_first);
  });
}

measured px_together_in_order(std::size_t count) {
  return run_pipeline(count, true, [] { return px::pipeline().add_task(all_three, {.workers = 2, .ordered = true}); });
}

measured px_pmap(std::size_t count) {
  task_sum sum;
  stopwatch const time;
  {
    auto results = px::pmap(all_three, std::views::iota(std::uint64_t{0}, std::uint64_t{count}), {.workers = 2});
    for (task_result const& r : results) sum.add(r);
  }
  double const each = time.ns_each(count);
  sum.check_all(count, true);
  return {each};
}

}  // namespace

std::vector<race> pipeline(effort e) {
  std::size_t const many = e.of(1'000'000, 2000);
  return {{
      .title = "three stages that do next to nothing",
      .unit = "ns an item",
      .reference = "oneTBB parallel_pipeline, 128 tokens",
      .contenders = {{"px::pipeline, stages together, in order", [=] { return px_pipeline(many, false); }},
                     {"px::pipeline, a hop between stages, in order", [=] { return px_pipeline(many, true); }},
                     {"px::pipeline, one stage, in order", [=] { return px_together_in_order(many); }, "px::pmap"},
                     {"px::pmap", [=] { return px_pmap(many); }},
                     in_python("Python Process and Queue", "pipeline.py", {std::to_string(e.of(30'000, 500))}),
                     {"oneTBB parallel_pipeline, 128 tokens", [=] { return tbb_pipeline(many); }}},
  }};
}

}  // namespace bench
