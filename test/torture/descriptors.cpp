// Programs that use everything, for a look at what is open when they and all their processes end.
//
// By itself each of them says what is open: nothing but what was inherited. scripts/torture descriptors runs them under
// valgrind, which sees where a descriptor that is left was opened.
#define BOOST_TEST_MODULE descriptors
#include "process/process_state.hpp"
#include "support/observe.hpp"
#include "workload/workload.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ranges>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

/// In whatever process it is called. Not those of a debugger, which are numbered from the end.
int descriptors_above_the_standard_ones() {
  int count = 0;
  for (int fd = 3; fd < 900; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

struct nothing_left {
  std::size_t const before = observe::open_descriptors();
  ~nothing_left() {
    auto const until = std::chrono::steady_clock::now() + 5s;
    while (observe::has_children() && std::chrono::steady_clock::now() < until) {
      procx::detail::reap_abandoned();
      ::usleep(1000);
    }
    BOOST_TEST(!observe::has_children());
    BOOST_TEST(observe::open_descriptors() == before);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_DATA_TEST_CASE(every_way_to_run_tasks, boost::unit_test::data::make({4, 12 * 1024}), words) {
  for (auto const how : workload::modes) {
    nothing_left const check;
    BOOST_TEST_CONTEXT(workload::name_of(how))
    workload::run({.how = how, .tasks = 24, .words = static_cast<std::size_t>(words), .trouble = 7});
  }
}

BOOST_AUTO_TEST_CASE(what_is_given_up_half_way) {
  nothing_left const check;
  {
    auto all = px::pmap([](int n) { return n; }, std::views::iota(0, 1000), {.workers = 2});
    BOOST_TEST(*all.begin() == 0);
  }
  {
    px::process_pool pool({.workers = 2});
    auto never = pool.submit([] { return ::pause(); });
    pool.stop();
    BOOST_CHECK_THROW(never.get(), px::task_cancelled);
  }
  {
    px::parallel_queue<int> queue({.workers = 2});
    for (int i = 0; i < 100; ++i) queue.put([](int n) { return n; }, i);
  }
  {
    px::queue<int> q({.limit = 2});
    q.start(px::make_parallel([] { return ::pause(); }));
  }
}

BOOST_AUTO_TEST_CASE(an_executor_of_ones_own) {
  nothing_left const check;
  boost::asio::io_context io;
  px::process_pool pool(io, {.workers = 2});
  auto sum = pool.async_submit(px::call([](int a, int b) { return a + b; }, 1, 2), boost::asio::use_future);
  io.run();
  BOOST_TEST(sum.get() == 3);
}

BOOST_AUTO_TEST_CASE(a_clean_image_and_other_programs) {
  nothing_left const check;
  auto clean = px::start_clean([](px::channel& up) { up.send(descriptors_above_the_standard_ones()); });
  BOOST_TEST(clean.receive<int>() <= 2);  // its channel
  auto program = px::start_program("/bin/true");
  BOOST_CHECK_THROW(program.receive<int>(), px::end_of_channel);
  BOOST_CHECK_THROW(px::start_program("/no/such/program"), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(processes_have_their_channel_and_nothing_else) {
  nothing_left const check;
  int const inherited = static_cast<int>(check.before) - 3;
  px::process_pool other({.workers = 2});
  BOOST_TEST(other.submit([] { return ::getpid(); }).get() > 0);
  auto forked = px::start([](px::channel& up) { up.send(descriptors_above_the_standard_ones()); });
  BOOST_TEST(forked.receive<int>() <= inherited + 2);
  for (int n : px::pmap([](int) { return descriptors_above_the_standard_ones(); }, std::vector{1, 2}, {.workers = 1}))
    BOOST_TEST(n <= inherited + 2);
}

BOOST_AUTO_TEST_SUITE_END()
