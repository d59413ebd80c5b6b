// expect: procx: the callable cannot be called with these arguments
#include <procx/procx.hpp>

int sum(int a, int b) { return a + b; }
void run(std::vector<std::string> const& words) {
  for (int n : procx::pmap(sum, words)) (void)n;
}
