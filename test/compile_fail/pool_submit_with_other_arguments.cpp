// expect: procx: the callable cannot be called with these arguments
#include <procx/pool/process_pool.hpp>

auto submit(procx::process_pool& pool) { return pool.submit([](int number) { return number; }, "text"); }
