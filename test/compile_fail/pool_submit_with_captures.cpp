// expect: procx: this callable cannot travel to a running process
#include <procx/pool/process_pool.hpp>

void submit(procx::process_pool& pool, int& counter) {
  pool.submit([&counter] { ++counter; });
}
