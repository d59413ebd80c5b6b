// expect: procx: this callable cannot travel to a running process, since it may hold references; pass what it captured as an argument, or have the processes inherit it: auto f = pool.add(lambda)
#include <procx/pool/process_pool.hpp>

void submit(procx::process_pool& pool, int& counter) {
  auto future = pool.submit([&counter] { ++counter; });
}
