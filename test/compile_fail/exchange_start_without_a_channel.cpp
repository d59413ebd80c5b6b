// expect: procx: the callable is to be called with a px::channel& first, then the arguments; let it take one: [](px::channel& up)
#include <procx/procx.hpp>

void run(procx::queue<int>& queue) {
  queue.start([](int n) { return n; }, 1);
}
