// expect: procx: this callable cannot travel to a running process
#include <procx/pool/process_pool.hpp>

void submit(procx::process_pool& pool, int& counter) {
  auto future = pool.submit([&counter] { ++counter; });
}
