// Ends in a completion handler on the own thread of a pool or a parallel queue, or ends a pool there: ends_in_handler WHAT.
// Exits with 3.

#include <procx/pool/parallel_queue.hpp>
#include <procx/pool/process_pool.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

px::process_pool pool({.workers = 1, .grace = 1ms});
px::parallel_queue<int> queue({.workers = 1, .grace = 1ms});

int quick(int n) { return n; }
int endless(int n) {
  for (;;) ::pause();
  return n;
}

void say(char const* text) {
  if (::write(STDOUT_FILENO, text, std::string(text).size()) < 0) ::_exit(99);
}

}  // namespace

int main(int, char** argv) {
  std::string const what = argv[1];
  if (what == "pool") {
    pool.async_submit(px::call(quick, 3), [](std::exception_ptr, int n) {
      pool.async_submit(px::call(endless, 1), [](std::exception_ptr, int) {});
      std::exit(n);
    });
  } else if (what == "queue") {
    queue.put(quick, 3);
    queue.async_get([](std::exception_ptr, std::optional<int> n) { std::exit(*n); });
  } else {
    std::promise<int> gone;
    auto own = std::make_unique<px::process_pool>(px::pool_options{.workers = 1, .grace = 1ms});
    own->async_submit(px::call(quick, 3), [&](std::exception_ptr, int n) {
      own->async_submit(px::call(endless, 1), [&, n](std::exception_ptr error, int) {
        say(error ? "cancelled" : "done");
        gone.set_value(n);
      });
      own.reset();
    });
    return gone.get_future().get();
  }
  std::this_thread::sleep_for(1h);
}
