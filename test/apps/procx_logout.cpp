// What a job's end has to do with that of a login session.
#define BOOST_TEST_MODULE procx logout
#include "procx/logout.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

std::string const session = "0::/user.slice/user-1000.slice/session-3.scope\n";
std::string const of_manager = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-terminal-7.scope\n";

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_said_where_nothing_ends) {
  BOOST_TEST(ends_at_logout({"0::/\n"}) == "");
  BOOST_TEST(ends_at_logout({"0::/system.slice/cron.service\n", true, false}) == "");
  BOOST_TEST(ends_at_logout({session, false, false}) == "");
  BOOST_TEST(ends_at_logout({of_manager, true, true}) == "");
}

BOOST_AUTO_TEST_CASE(a_session_whose_processes_are_killed_is_told_of_with_the_way_out) {
  for (bool const lingers : {false, true}) {
    std::string const said = ends_at_logout({session, true, lingers});
    BOOST_TEST(said.find("log out") != said.npos, said);
    BOOST_TEST(said.find("systemd-run --user --scope") != said.npos, said);
    BOOST_TEST(said.find("enable-linger") != said.npos, said);
  }
}

BOOST_AUTO_TEST_CASE(a_users_service_manager_that_does_not_linger_is_told_of) {
  std::string const said = ends_at_logout({of_manager, false, false});
  BOOST_TEST(said.find("last session") != said.npos, said);
  BOOST_TEST(said.find("enable-linger") != said.npos, said);
}

BOOST_AUTO_TEST_CASE(both_versions_of_control_groups_are_understood) {
  std::string const older = "12:cpu:/\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n0::/user.slice/user-1000.slice/session-c2.scope\n";
  BOOST_TEST(ends_at_logout({older, true, false}) != "");
}

BOOST_AUTO_TEST_CASE(the_last_value_that_is_no_comment_counts) {
  BOOST_TEST(value_in("[Login]\n#KillUserProcesses=yes\n", "KillUserProcesses") == "");
  BOOST_TEST(value_in("[Login]\nKillUserProcesses = yes\n", "KillUserProcesses") == "yes");
  BOOST_TEST(value_in("KillUserProcesses=yes\nKillUserProcesses=no", "KillUserProcesses") == "no");
  BOOST_TEST(value_in("KillUserProcessesToo=yes\n", "KillUserProcesses") == "");
}
