// Uses the library from outside, as others do: exit status 0 if all is as it should be.

#include <procx/procx.hpp>

#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace px = procx;

namespace {

int failed = 0;

void check(bool good, char const* what) {
  if (good) return;
  std::cerr << what << '\n';
  failed = 1;
}

// A static object of the program: a process that sees the program's image must find it made.
std::string const prefix = "a text that is too long to be kept in place: ";

void send_twice(px::channel& up, int n) { up.send(n * 2); }
void send_named(px::channel& up, std::string const& name) { up.send(prefix + name); }
int square(int n) { return n * n; }

bool starts_clean() {
  try {
    return px::start_clean(&send_named, std::string("x")).receive<std::string>() == prefix + "x";
  } catch (std::invalid_argument const&) {
    return false;
  }
}

}  // namespace

int main() {
  check(px::start(&send_twice, 21).receive<int>() == 42, "a process that is forked");
#ifdef SHARED_PROCX
  check(!starts_clean(), "a clean image though procx is in a shared library");
#else
  check(starts_clean(), "a clean image");
#endif
  px::start_nursery();
  check(px::start(&send_twice, 4).receive<int>() == 8, "a process of the nursery");

  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0);
  long sum = 0;
  for (int n : px::pmap([&](int n) { return square(n); }, numbers)) sum += n;
  check(sum == 332'833'500, "pmap");

  px::process_pool pool({.workers = 1});
  check(pool.submit(&square, 7).get() == 49, "a function that travels to a pool");
  px::parallel_queue<int> queue;
  queue.put(&square, 3);
  check(queue.get() == 9, "a parallel queue");

  try {
    pool.submit([]() -> int { throw std::out_of_range("far"); }).get();
    check(false, "a failure");
  } catch (px::remote_exception const& e) {
    check(std::string(e.what()).find("far") != std::string::npos, e.what());
  }
  return failed;
}
