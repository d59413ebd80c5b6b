// Uses everything before main, in a file that includes no standard stream and comes before the library's own.

#include <procx/procx.hpp>

#include <cstdio>
#include <vector>

namespace px = procx;

namespace {

int plus_one(int n) { return n + 1; }

int use_everything() {
  px::start_nursery();
  int sum = 0;
  px::channel c = px::start([](px::channel& up) { up.send(1); });
  sum += c.receive<int>();
  std::vector<int> const in{1, 2, 3};
  for (int const value : px::pmap([](int n) { return n; }, in, {.workers = 1})) sum += value;
  px::process_pool pool({.workers = 1});
  sum += pool.submit(plus_one, 0).get();
  px::queue<int> queue({.limit = 1});
  queue.start([](px::channel& up) { up.send(1); });
  sum += *queue.next();
  px::parallel_queue<int> parallel({.workers = 1});
  parallel.put(plus_one, 0);
  sum += parallel.get();
  try {
    px::start([](px::channel&) { throw 1; }).receive<int>();
  } catch (px::remote_exception const&) {
    ++sum;
  }
  return sum;
}

px::process_pool pool({.workers = 1});
int const sum = use_everything();

}  // namespace

int main() {
  std::printf("%d", sum + pool.submit(plus_one, 0).get());
}
