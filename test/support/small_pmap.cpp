// Doubles three numbers in a worker, and has it send three results that are too large for a pipe: 0 if all is right.
#include <procx/procx.hpp>

#include <cstddef>
#include <vector>

namespace {

int twice(int n) { return 2 * n; }
std::vector<char> large(int n) { return std::vector<char>(std::size_t{1} << 20, static_cast<char>(n)); }

}  // namespace

int main() {
  std::vector<int> const numbers{1, 2, 3};
  int sum = 0;
  for (int const n : procx::pmap(twice, numbers, {.workers = 1})) sum += n;
  for (auto const& v : procx::pmap(large, numbers, {.workers = 1})) sum += v.at(0) + v.back();
  return sum == 24 ? 0 : 1;
}
