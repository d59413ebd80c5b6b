// expect: nothing runs unless its results are taken: iterate over them, call to_vector, or use px::for_each
#include <procx/pool/pmap.hpp>

#include <vector>

void run(std::vector<int> const& numbers) {
  procx::pmap([](int n) { return n; }, numbers);
}
