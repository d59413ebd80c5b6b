// expect: procx: this callable cannot travel to a running process, since it may hold references; pass what it captured as an argument, or have the processes inherit it: auto f = pool.add(lambda)
#include <procx/pool/parallel_queue.hpp>

void put(procx::parallel_queue<int>& queue, int& counter) {
  queue.put([&counter] { return ++counter; });
}
