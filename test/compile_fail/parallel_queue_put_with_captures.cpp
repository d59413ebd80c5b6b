// expect: procx: this callable cannot travel to a running process
#include <procx/pool/parallel_queue.hpp>

void put(procx::parallel_queue<int>& queue, int& counter) {
  queue.put([&counter] { return ++counter; });
}
