// expect: procx: what a generic or overloaded callable returns is not known; give its parameters types, or name what it returns: px::parallel_single_task_queue<decltype(lambda), int> queue(lambda)
#include <procx/procx.hpp>

void run() {
  procx::parallel_single_task_queue queue([](auto x) { return x * 2; });
  queue.put(2);
  queue.stop();
  for (int n : queue) (void)n;
}
