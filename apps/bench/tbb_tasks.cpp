#include "small_task.hpp"
#include "spin.hpp"
#include "thread_sanitizer.hpp"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace bench {

measured tbb_tasks(std::size_t count, std::chrono::nanoseconds each) {
  refuse_under_thread_sanitizer("oneTBB");
  std::vector<task_result> results(count);
  task_sum sum;
  stopwatch const time;
  tbb::task_arena(2).execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::size_t>(0, count, 1),
        [&](tbb::blocked_range<std::size_t> const& range) {
          for (std::size_t n = range.begin(); n != range.end(); ++n) results[n] = spin_and_do(task_number(n), each);
        },
        tbb::simple_partitioner());
  });
  for (task_result const& r : results) sum.add(r);
  double const ns = time.ns_each(count);
  sum.check_all(count, true);
  return {ns};
}

}  // namespace bench
