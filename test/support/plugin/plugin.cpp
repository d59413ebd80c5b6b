// A plug-in with procx inside, for a program that need not have it: a pool that lives as long as the plug-in is loaded.

#include <procx/pool/pmap.hpp>
#include <procx/pool/process_pool.hpp>

#include <vector>

namespace {

procx::process_pool pool({.workers = 1});

int twice(int n) { return 2 * n; }

}  // namespace

extern "C" int twice_in_pool(int n) { return pool.submit(twice, n).get(); }

extern "C" int sum_of_map(int n) {
  std::vector<int> const in(static_cast<std::size_t>(n), 1);
  int sum = 0;
  for (int const value : procx::pmap([](int i) { return 2 * i; }, in, {.workers = 1})) sum += value;
  return sum;
}
