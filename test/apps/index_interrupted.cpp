#define BOOST_TEST_MODULE index_interrupted
#include "apps/index_under_way.hpp"

BOOST_FIXTURE_TEST_SUITE(index_interrupted, build_under_way)

BOOST_AUTO_TEST_CASE(ctrl_c_leaves_what_was_done_and_the_next_build_goes_on) {
  build->signal_all(SIGINT);
  ended const e = build->wait();
  BOOST_TEST(e.code == 130);
  BOOST_TEST(contains(e.err, "interrupted"));
  BOOST_TEST(!contains(e.err, "failed"));
  BOOST_TEST(!e.out.starts_with("0 "));
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(a_termination_of_the_whole_group_does_not_blame_files) {
  build->signal_all(SIGTERM);
  ended const e = build->wait();
  BOOST_TEST(e.code == 143);
  BOOST_TEST(!contains(e.err, "failed"));
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_worker_that_does_not_come_to_an_end) {
  for (pid_t const process : descendants(build->pid())) ::kill(process, SIGSTOP);
  build->signal(SIGINT);
  BOOST_TEST(build->wait().code == 130);
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(a_kill_leaves_a_valid_index) {
  build->signal(SIGKILL);
  BOOST_TEST(build->wait().code == 137);
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_SUITE_END()
