#define BOOST_TEST_MODULE procx jobs
#include "apps/jobs_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <sstream>

BOOST_FIXTURE_TEST_SUITE(procx_jobs, jobs_fixture)

BOOST_AUTO_TEST_CASE(a_command_runs_on_after_its_start_and_is_followed_to_its_end) {
  start("one", "echo first; read word; echo $word; echo third >&2; exit 3");
  BOOST_TEST(status("one", "state") == "\"running\"");
  auto const e = shell("echo second | $procx attach one");
  BOOST_TEST(e.out == "first\nsecond\nthird\n");
  BOOST_TEST(e.err == "");
  BOOST_TEST(e.code == 3);
}

BOOST_AUTO_TEST_CASE(a_job_that_has_ended_can_be_attached_to_as_often_as_one_likes) {
  start("one", "echo out; exit 7", {"-n"});
  procx({"wait", "one"});
  for (int i = 0; i < 2; ++i) {
    auto const e = procx({"attach", "one"});
    BOOST_TEST(e.out == "out\n");
    BOOST_TEST(e.code == 7);
  }
  BOOST_TEST(procx({"attach", "--from-now", "one"}).out == "");
  BOOST_TEST(files() == (std::vector<std::string>{"one.job", "one.log"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(from_now_on_leaves_out_what_was_before) {
  start("one", "echo before; read word; echo $word");
  BOOST_REQUIRE(eventually([] { return status("one", "output_bytes") == "7"; }));
  BOOST_TEST(shell("echo now | $procx attach --from-now one").out == "now\n");
}

BOOST_AUTO_TEST_CASE(a_command_that_cannot_be_executed_is_said) {
  auto const missing = procx({"start", "one", "--", "/not/there", "word"});
  BOOST_TEST(missing.err == "procx: cannot execute /not/there: No such file or directory\n");
  BOOST_TEST(missing.code == 127);
  BOOST_TEST(procx({"start", "one", "--", "/"}).code == 126);
  BOOST_TEST(files() == std::vector<std::string>{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_command_that_fails_at_once_shows_why) {
  auto const e = procx({"start", "--watch", "30", "one", "--", "/bin/sh", "-c", "echo reason >&2; exit 4"});
  BOOST_TEST(e.out == "");
  BOOST_TEST(e.err == "reason\nprocx: one: exited with 4\n");
  BOOST_TEST(e.code == 4);
  auto const killed = procx({"start", "--watch", "30", "one", "--", "/bin/sh", "-c", "kill -SEGV $$"});
  BOOST_TEST(killed.err.starts_with("procx: one: killed by SIGSEGV"), killed.err);
  BOOST_TEST(killed.code == 128 + SIGSEGV);
}

BOOST_AUTO_TEST_CASE(a_signal_that_kills_the_command_is_its_status) {
  start("one", "read word; kill -TERM $$");
  auto const e = shell("echo go | $procx attach one");
  BOOST_TEST(e.code == 128 + SIGTERM);
  BOOST_TEST(e.err == "procx: one: killed by SIGTERM\n");
  BOOST_TEST(status("one", "signal") == std::to_string(SIGTERM));
  BOOST_TEST(status("one", "exit_code") == "");
}

BOOST_AUTO_TEST_CASE(output_is_passed_on_byte_by_byte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::ofstream(scratch.path / "bytes", std::ios::binary) << all;
  start("one", "cat " + (scratch.path / "bytes").string(), {"-n"});
  BOOST_TEST((procx({"attach", "one"}).out == all));
  BOOST_TEST((procx({"logs", "one"}).out == all));
}

BOOST_AUTO_TEST_CASE(a_hundred_megabytes_arrive_at_each_of_several_clients) {
  std::string const sum = "$(head -c 100000000 /dev/zero | tr '\\0' x | cksum)";
  start("one", "read go; head -c 100000000 /dev/zero | tr '\\0' x");
  auto const e = shell("(for i in 1 2; do $procx attach -n one | cksum & done; echo | $procx attach one | cksum; wait; "
                       "echo \"" + sum + "\") | cat");
  std::istringstream lines(e.out);
  std::set<std::string> different;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) different.insert(line);
  BOOST_TEST(count == 4);
  BOOST_TEST(different.size() == 1u, e.out);
}

BOOST_AUTO_TEST_CASE(a_megabyte_passes_through_the_standard_input) {
  start("one", "cat");
  auto const e = shell("head -c 1000000 /dev/zero | tr '\\0' y | $procx attach one");
  BOOST_TEST((e.out == std::string(1'000'000, 'y')));
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(a_command_that_takes_no_input_does_not_hold_up_its_output) {
  start("one", "echo out; exec sleep 1000");
  program client({"/bin/sh", "-c", "head -c 1000000 /dev/zero | " + std::string(tool) + " attach one | head -c 4"});
  BOOST_REQUIRE(eventually([] { return status("one", "output_bytes") == "4"; }));
  BOOST_TEST(procx({"stop", "one"}).code == 0);
  BOOST_TEST(client.wait().out == "out\n");
}

BOOST_AUTO_TEST_CASE(an_empty_standard_input_is_no_input_and_not_the_end_of_it) {
  start("one", "read word; echo \"got $word\"");
  program client({tool, "attach", "one"});  // its standard input is /dev/null
  BOOST_TEST(shell("echo x | $procx attach one").out == "got x\n");
  BOOST_TEST(client.wait().out == "got x\n");
}

BOOST_AUTO_TEST_CASE(without_input_the_command_meets_the_end_of_a_file) {
  start("one", "cat; echo done", {"--no-input"});
  BOOST_TEST(shell("echo x | $procx attach one").out == "done\n");
}

BOOST_AUTO_TEST_CASE(stop_ends_what_the_command_has_started_wherever_that_has_gone) {
  start("one", "sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000 & wait' & (trap '' TERM; sleep 1000; :) & wait");
  BOOST_REQUIRE(eventually([] { return status("one", "processes") == "7"; }));
  auto const e = procx({"stop", "--grace", "0.2", "--json", "one"});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(e.out.find("\"processes\":0") != e.out.npos, e.out);
  BOOST_TEST(processes() == 0u);
  BOOST_TEST(files() == std::vector<std::string>{"one.job"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_lingers_after_the_command_is_not_waited_for_but_stopped) {
  start("one", "sleep 1000 & echo out; exit 5", {"-n"});
  auto const e = procx({"attach", "one"});
  BOOST_TEST(e.out == "out\n");
  BOOST_TEST(e.code == 5);
  BOOST_TEST(procx({"wait", "one"}).code == 5);
  BOOST_TEST(status("one", "processes") == "1");
  auto const second = procx({"start", "one", "--", "true"});
  BOOST_TEST(second.code == 125);
  BOOST_TEST(procx({"remove", "one"}).code == 125);
  BOOST_TEST(procx({"stop", "one"}).code == 0);
  BOOST_TEST(processes() == 0u);
  BOOST_TEST(status("one", "exit_code") == "5");
}

BOOST_AUTO_TEST_CASE(drain_ends_the_input_and_lets_the_command_come_to_its_end) {
  start("one", "while read word; do echo $word; done; sleep 0.2; echo end; exit 6");
  program client({"/bin/sh", "-c", "(echo a; exec sleep 1000) | " + std::string(tool) + " attach one"});
  BOOST_REQUIRE(eventually([] { return status("one", "output_bytes") == "2"; }));
  BOOST_TEST(procx({"stop", "--drain", "one"}).code == 0);
  BOOST_TEST(status("one", "exit_code") == "6");
  BOOST_TEST(procx({"logs", "one"}).out == "a\nend\n");
  client.signal_all(SIGKILL);
}

BOOST_AUTO_TEST_CASE(stopping_what_has_ended_does_nothing) {
  start("one", "exit 0", {"-n"});
  procx({"wait", "one"});
  BOOST_TEST(procx({"stop", "one"}).code == 0);
  BOOST_TEST(procx({"stop", "none"}).code == 125);
}

BOOST_AUTO_TEST_CASE(wait_gives_up_when_the_time_is_up) {
  start("one", "sleep 1000");
  auto const e = procx({"wait", "--timeout", "0.01", "one"});
  BOOST_TEST(e.err == "procx: one is still running\n");
  BOOST_TEST(e.code == 124);
}

BOOST_AUTO_TEST_CASE(of_two_starts_at_one_address_one_wins) {
  for (int i = 0; i < 10; ++i) {
    auto const e = shell("for i in 1 2 3; do $procx start one -- sleep 1000 2>/dev/null && echo won & done; wait");
    BOOST_TEST(e.out == "won\n");
    BOOST_TEST(procx({"stop", "one"}).code == 0);
  }
}

BOOST_AUTO_TEST_CASE(who_has_heard_of_the_end_can_start_again) {
  auto const e = shell("for i in $(seq 20); do $procx start one -- true && $procx wait one && $procx start one -- true && $procx attach one "
                       "|| echo refused; done");
  BOOST_TEST(e.out == "");
  BOOST_TEST(e.err == "");
}

BOOST_AUTO_TEST_CASE(a_command_has_the_folder_the_environment_and_the_umask_of_its_start) {
  auto const e = shell("cd /usr; umask 027; COLOUR=green $procx start -n one -- sh -c 'pwd; umask; echo $COLOUR $PROCX_JOB; ls /proc/self/fd'"
                       " 5</dev/null; $procx attach one");
  BOOST_TEST(e.out == "/usr\n0027\ngreen " + path("one").string() + "\n0\n1\n2\n3\n");
}

BOOST_AUTO_TEST_CASE(start_holds_no_descriptor_of_who_called_it) {
  BOOST_TEST(shell("$procx start one -- sleep 1000 5>&1 | cat; $procx start two -- sleep 1000 3>&1 2>&1 | cat; echo ended").out == "ended\n");
}

BOOST_AUTO_TEST_CASE(an_address_may_be_a_path) {
  std::string const address = (scratch.path / "elsewhere").string();
  BOOST_TEST(procx({"start", "--watch", "30", "-n", address, "--", "/bin/sh", "-c", "echo out; exit 2"}).code == 2);
  BOOST_TEST(procx({"attach", address}).out == "out\n");
  BOOST_TEST(procx({"attach", address}).code == 2);
  BOOST_TEST(procx({"list"}).out.find("elsewhere") == std::string::npos);
  BOOST_TEST(procx({"remove", address}).code == 0);
}

BOOST_AUTO_TEST_CASE(the_last_lines_can_be_had) {
  start("one", "echo 1; echo 2; printf 3", {"-n"});
  procx({"wait", "one"});
  BOOST_TEST(procx({"logs", "--lines", "2", "one"}).out == "2\n3");
  BOOST_TEST(procx({"logs", "-l", "5", "one"}).out == "1\n2\n3");
  BOOST_TEST(procx({"logs", "-l", "0", "one"}).out == "");
  BOOST_TEST(procx({"logs", "--follow", "one"}).out == "1\n2\n3");
  BOOST_TEST(procx({"logs", "none"}).code == 125);
}

BOOST_AUTO_TEST_CASE(list_shows_all_in_order) {
  start("b", "sleep 1000");
  start("a", "exit 0", {"-n"});
  procx({"wait", "a"});
  std::string const all = procx({"list"}).out;
  BOOST_TEST(all.find("\na ") < all.find("\nb "), all);
  BOOST_TEST(all.find("exited with 0") != all.npos, all);
  BOOST_TEST(all.find("running") != all.npos, all);
  std::string const json = procx({"list", "--json"}).out;
  BOOST_TEST(std::ranges::count(json, '\n') == 2);
  BOOST_TEST(json.find("\"command\":[\"/bin/sh\",\"-c\",\"sleep 1000\"]") != json.npos, json);
}

BOOST_AUTO_TEST_CASE(options_of_the_command_are_not_those_of_start) {
  auto const e = shell("$procx start -n one echo --json -n; $procx attach one; $procx start -n two -- echo -- x; $procx attach two");
  BOOST_TEST(e.out == "--json -n\n-- x\n");
  BOOST_TEST(procx({"start", "one"}).code > 0);
  BOOST_TEST(procx({"start", "--nonsense", "one", "--", "true"}).code > 0);
}

BOOST_AUTO_TEST_SUITE_END()
