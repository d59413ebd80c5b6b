#define BOOST_TEST_MODULE given_up
#include "channel/channel_core.hpp"
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <unistd.h>

namespace px = procx;
using observe::gate;

// Apart from the other faults, because it takes as long as such a process is given: a second.
BOOST_FIXTURE_TEST_SUITE(given_up, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_process_that_breaks_its_channel_and_lives_on_is_given_up) {
  gate held;
  px::map<int> m({.limit = 2});
  m.start([&](px::channel& up) {
    ::close(up.core().wire().in_fd());
    ::close(up.core().wire().out_fd());
    held.wait();
    ::_exit(0);
  });
  m.start(px::make_parallel([](int n) { return n; }), 5);
  BOOST_TEST(m[1] == 5);
  BOOST_CHECK_THROW(m[0], px::task_error);
  held.open();
}

BOOST_AUTO_TEST_SUITE_END()
