#define BOOST_TEST_MODULE exit_status
#include <boost/test/unit_test.hpp>

#include <procx/error/exit_status.hpp>

#include <csignal>
#include <sstream>

BOOST_AUTO_TEST_SUITE(exit_status)

using procx::exit_status;

BOOST_AUTO_TEST_CASE(a_code_of_zero_is_success) {
  constexpr auto s = exit_status::of_code(0);
  static_assert(s.known() && s.exited() && s.success() && !s.signaled() && s.code() == 0 && s.signal() == 0);
  BOOST_TEST(s.to_string() == "exited with 0");
}

BOOST_AUTO_TEST_CASE(any_other_code_is_none) {
  constexpr auto s = exit_status::of_code(3);
  static_assert(s.known() && s.exited() && !s.success() && !s.signaled() && s.code() == 3);
  BOOST_TEST(s.to_string() == "exited with 3");
}

BOOST_AUTO_TEST_CASE(a_signal_has_a_name_and_no_code) {
  constexpr auto s = exit_status::of_signal(SIGSEGV, true);
  static_assert(s.known() && s.signaled() && s.core_dumped() && !s.exited() && !s.success());
  static_assert(s.code() == -1 && s.signal() == SIGSEGV);
  BOOST_TEST(s.to_string() == "killed by SIGSEGV (core dumped)");
  BOOST_TEST(exit_status::of_signal(SIGKILL).to_string() == "killed by SIGKILL");
  BOOST_TEST(exit_status::of_signal(40).to_string() == "killed by signal 40");
}

BOOST_AUTO_TEST_CASE(an_end_that_nobody_saw_is_not_a_success) {
  constexpr exit_status s;
  static_assert(!s.known() && !s.exited() && !s.signaled() && !s.success() && s.code() == -1 && s.signal() == 0);
  BOOST_TEST(s.to_string() == "ended, nobody knows how");
}

BOOST_AUTO_TEST_CASE(what_waitid_says_is_understood) {
  BOOST_TEST(exit_status::from_wait(CLD_EXITED, 3) == exit_status::of_code(3));
  BOOST_TEST(exit_status::from_wait(CLD_KILLED, SIGTERM) == exit_status::of_signal(SIGTERM));
  BOOST_TEST(exit_status::from_wait(CLD_DUMPED, SIGABRT) == exit_status::of_signal(SIGABRT, true));
  BOOST_TEST(exit_status::from_wait(CLD_STOPPED, SIGSTOP) == exit_status());
}

BOOST_AUTO_TEST_CASE(statuses_are_compared_and_printed) {
  BOOST_TEST(bool(exit_status::of_code(9) != exit_status::of_signal(9)));
  BOOST_TEST(bool(exit_status::of_signal(SIGABRT) != exit_status::of_signal(SIGABRT, true)));
  std::ostringstream out;
  out << exit_status::of_signal(SIGTERM);
  BOOST_TEST(out.str() == "killed by SIGTERM");
}

BOOST_AUTO_TEST_SUITE_END()
