#define BOOST_TEST_MODULE idle
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

/// How often each thread of the process has been switched away from, but for the first thread of this one.
static void add_switches(std::map<pid_t, unsigned long>& to, pid_t process) {
  for (auto const& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    pid_t const thread = std::stoi(task.path().filename());
    if (thread == ::getpid()) continue;
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;) {
      unsigned long n = 0;
      if (word.ends_with("ctxt_switches:") && status >> n) to[thread] += n;
    }
  }
}

static std::map<pid_t, unsigned long> switches_of_all() {
  std::map<pid_t, unsigned long> all;
  add_switches(all, ::getpid());
  for (pid_t const child : observe::children_of(::getpid())) {
    add_switches(all, child);
    for (pid_t const worker : observe::children_of(child)) add_switches(all, worker);
  }
  return all;
}

BOOST_FIXTURE_TEST_SUITE(idle, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_pipeline_without_items_wakes_nobody) {
  auto p = px::pipeline()
               .add_task([](int n) { return n; }, {.workers = 2, .chunk_size = 4, .linger = 1ms})
               .add_task([](int n) { return n; }, {.workers = 2, .key = [](int n) { return n % 3; }, .task_timeout = 1h})
               .add_task([](int n) { return n; }, {.here = true});
  p.start();
  p.feed_chunk(std::vector<int>(100));
  int seen = 0;
  for (int const n : p.as_completed()) {
    BOOST_TEST(n == 0);
    if (++seen == 100) break;
  }
  std::this_thread::sleep_for(200ms);  // what follows the last result
  auto const before = switches_of_all();
  BOOST_TEST(before.size() >= 7u);  // the loop's thread, two nurseries, four workers
  std::this_thread::sleep_for(2s);
  BOOST_TEST((switches_of_all() == before));
  (void)p.join();
}

BOOST_AUTO_TEST_SUITE_END()
