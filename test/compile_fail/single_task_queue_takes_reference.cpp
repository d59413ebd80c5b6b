// expect: procx: this callable takes a T&, but arguments arrive as temporaries; let it take a T or a T const&, and return what it has changed
#include <procx/procx.hpp>

int sum(std::vector<int>& numbers);
void run(std::vector<int> const& numbers) {
  procx::parallel_single_task_queue queue(sum);
  queue.put(numbers);
}
