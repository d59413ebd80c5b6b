#define BOOST_TEST_MODULE static_objects
#include "support/helper_program.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(before_main)

BOOST_AUTO_TEST_CASE(everything_can_be_used_without_a_word_about_standard_streams) {
  ended_program const end = run_helper("early");
  BOOST_TEST(end.printed == "12");
  BOOST_TEST(end.code == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(on_a_pools_own_thread)

BOOST_AUTO_TEST_CASE(a_handler_may_end_the_program) {
  ended_program const end = run_helper("ends_in_handler pool");
  BOOST_TEST(end.printed == "");
  BOOST_TEST(end.code == 3);
}

BOOST_AUTO_TEST_CASE(a_handler_of_a_parallel_queue_may_end_the_program) {
  ended_program const end = run_helper("ends_in_handler queue");
  BOOST_TEST(end.printed == "");
  BOOST_TEST(end.code == 3);
}

BOOST_AUTO_TEST_CASE(a_handler_may_end_its_pool_and_what_waited_there_is_cancelled) {
  ended_program const end = run_helper("ends_in_handler object");
  BOOST_TEST(end.printed == "cancelled");
  BOOST_TEST(end.code == 3);
}

BOOST_AUTO_TEST_SUITE_END()
