#define BOOST_TEST_MODULE worker_count
#include <procx/process/worker_count.hpp>

#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <stdexcept>

#include <sched.h>

using namespace processes;
using procx::worker_count;

namespace {

std::size_t of(std::size_t cores, worker_count wanted) { return wanted.resolve(cores); }

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_counts)

BOOST_AUTO_TEST_CASE(a_number_is_that_many_whatever_there_are_cores) {
  for (std::size_t cores : {1u, 2u, 11u}) {
    BOOST_TEST(of(cores, 1) == 1u);
    BOOST_TEST(of(cores, 2u) == 2u);
    BOOST_TEST(of(cores, std::size_t{11}) == 11u);
  }
  BOOST_TEST(worker_count(5).resolve() == 5u);
}

BOOST_AUTO_TEST_CASE(none_given_and_zero_are_all_cores) {
  BOOST_TEST(of(11, {}) == 11u);
  BOOST_TEST(of(11, 0) == 11u);
  BOOST_TEST(of(1, 0) == 1u);
}

BOOST_AUTO_TEST_CASE(a_negative_number_leaves_so_many_cores_to_others_but_never_all) {
  BOOST_TEST(of(11, -1) == 10u);
  BOOST_TEST(of(11, -10) == 1u);
  BOOST_TEST(of(11, -11) == 1u);
  BOOST_TEST(of(1, -1) == 1u);
  BOOST_TEST(of(2, std::numeric_limits<int>::min()) == 1u);
  BOOST_TEST(of(2, std::numeric_limits<long>::min()) == 1u);
}

BOOST_AUTO_TEST_CASE(a_fraction_is_rounded_up) {
  BOOST_TEST(of(11, 0.5) == 6u);
  BOOST_TEST(of(2, 0.5f) == 1u);
  BOOST_TEST(of(1, 0.01) == 1u);
  BOOST_TEST(of(11, 1.0) == 11u);
  BOOST_TEST(of(10, 0.3) == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_no_fraction_is_refused) {
  for (double wrong : {0.0, -0.5, 1.01, 2.0, std::numeric_limits<double>::quiet_NaN(),
                       std::numeric_limits<double>::infinity()})
    BOOST_CHECK_THROW(of(11, wrong), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(the_cores_are_those_of_the_affinity_at_most) {
  BOOST_TEST(procx::available_cores() >= 1u);
  BOOST_TEST(worker_count().resolve() == procx::available_cores());
  BOOST_TEST(code_of_fork([] {
    cpu_set_t set;
    CHILD_CHECK(::sched_getaffinity(0, sizeof set, &set) == 0);
    CHILD_CHECK(procx::available_cores() <= static_cast<std::size_t>(CPU_COUNT(&set)));
    int one = 0;
    while (!CPU_ISSET(one, &set)) ++one;
    CPU_ZERO(&set);
    CPU_SET(one, &set);
    CHILD_CHECK(::sched_setaffinity(0, sizeof set, &set) == 0);
    return procx::available_cores() == 1 ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
