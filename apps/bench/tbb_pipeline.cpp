#include "small_task.hpp"
#include "thread_sanitizer.hpp"

#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

namespace bench {

measured tbb_pipeline(std::size_t count) {
  refuse_under_thread_sanitizer("oneTBB");
  constexpr std::size_t tokens = 128;
  task_sum sum;
  std::uint64_t next = 0;
  stopwatch const time;
  tbb::task_arena(2).execute([&] {
    tbb::parallel_pipeline(
        tokens,
        tbb::make_filter<void, std::uint64_t>(tbb::filter_mode::serial_in_order,
                                              [&](tbb::flow_control& flow) -> std::uint64_t {
                                                if (next == count) flow.stop();
                                                return next++;
                                              }) &
            tbb::make_filter<std::uint64_t, task_argument>(tbb::filter_mode::parallel,
                                                           [](std::uint64_t n) { return task_number(n); }) &
            tbb::make_filter<task_argument, task_argument>(tbb::filter_mode::parallel,
                                                           [](task_argument const& a) { return a; }) &
            tbb::make_filter<task_argument, task_result>(tbb::filter_mode::parallel,
                                                         [](task_argument const& a) { return do_task(a); }) &
            tbb::make_filter<task_result, void>(tbb::filter_mode::serial_in_order,
                                                [&](task_result const& r) { sum.add(r); }));
  });
  double const each = time.ns_each(count);
  sum.check_all(count, true);
  return {each};
}

}  // namespace bench
