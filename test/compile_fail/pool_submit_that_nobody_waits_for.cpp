// expect: who drops the future hears of no failure, and the call is cancelled if the pool goes: keep it, or use post
#include <procx/pool/process_pool.hpp>

void submit(procx::process_pool& pool) {
  pool.submit([](int n) { return n; }, 1);
}
