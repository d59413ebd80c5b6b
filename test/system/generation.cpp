#define BOOST_TEST_MODULE generation
#include "system/generation.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

using namespace procx::detail;
using namespace processes;

BOOST_AUTO_TEST_SUITE(generations)

BOOST_AUTO_TEST_CASE(every_fork_makes_a_generation_whoever_calls_it) {
  unsigned const here = generation();
  BOOST_TEST(code_of_fork([&] { return generation() == here + 1 ? 0 : 1; }) == 0);
  BOOST_TEST(fork_process({}, [&] { return generation() == here + 1 ? 0 : 1; })->wait_until(std::nullopt)->code() == 0);
  BOOST_TEST(generation() == here);
  BOOST_TEST(code_of_fork([&] {
    return code_of_fork([&] { return generation() == here + 2 ? 0 : 1; });
  }) == 0);
}

BOOST_AUTO_TEST_CASE(forks_can_be_held_again_in_the_child) {
  BOOST_TEST(code_of_fork([] {
    { auto const held = hold_forks(); }
    return hold_forks().owns_lock() ? 0 : 1;
  }) == 0);
  BOOST_TEST(hold_forks().owns_lock());
}

BOOST_AUTO_TEST_CASE(only_what_procx_made_is_a_created_process) {
  BOOST_TEST(!is_created_process());
  BOOST_TEST(code_of_fork([] { return is_created_process() ? 1 : 0; }) == 0);
  BOOST_TEST(fork_process({}, [] { return is_created_process() ? 0 : 1; })->wait_until(std::nullopt)->code() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
