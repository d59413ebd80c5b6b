#define BOOST_TEST_MODULE exit_handlers
#include "support/helper_program.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace data = boost::unit_test::data;

namespace {

/// What support/ends.cpp prints; the standard output of workers is its standard error.
std::string what_is_seen(std::string const& way, std::string const& how) {
  ended_program const end = run_helper("ends " + way + ' ' + how);
  return end.code == 0 ? end.printed : end.printed + "and the program itself ended with " + std::to_string(end.code);
}

std::size_t count(std::string const& text, std::string const& word) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++n) at += word.size();
  return n;
}

void the_programs_handlers_ran_once(std::string const& seen) {
  BOOST_TEST_INFO_SCOPE(seen);
  BOOST_TEST(count(seen, "elsewhere") == 0u);
  for (char const* each : {"thread_local here", "static here", "\natexit here", "on_exit here"})
    BOOST_TEST(count(seen, each) == 1u, each << " in " << seen);
  BOOST_TEST(count(seen, "at_quick_exit here") == 0u);
}

std::vector<std::string> const ways{"start", "beside_threads", "nursery", "clean", "create", "task"};
std::vector<std::string> const manners{"exit", "quick_exit", "errx", "thread", "grandchild"};

}  // namespace

BOOST_AUTO_TEST_SUITE(a_created_process_that_ends_by_itself)

BOOST_DATA_TEST_CASE(has_its_status_and_runs_no_handler_of_the_program, data::make(ways) * data::make(manners), way, how) {
  std::string const seen = what_is_seen(way, how);
  the_programs_handlers_ran_once(seen);
  BOOST_TEST(count(seen, "it exited with 3") == 1u, seen);
}

BOOST_DATA_TEST_CASE(has_written_what_it_had_buffered, data::make(ways), way) {
  std::string const seen = what_is_seen(way, "exit");
  BOOST_TEST(count(seen, "printed") == 1u, seen);
  BOOST_TEST(count(seen, "streamed") == 1u, seen);
}

BOOST_AUTO_TEST_CASE(may_return_from_main) {
  std::string const seen = what_is_seen("create", "return");
  the_programs_handlers_ran_once(seen);
  BOOST_TEST(count(seen, "it exited with 3") == 1u, seen);
}

BOOST_DATA_TEST_CASE(may_be_terminated_by_an_exception, data::make(ways), way) {
  std::string const seen = what_is_seen(way, "terminate");
  the_programs_handlers_ran_once(seen);
  BOOST_TEST(count(seen, "SIGABRT") >= 1u, seen);
}

BOOST_AUTO_TEST_CASE(has_not_done_its_task_even_with_0) {
  std::string const seen = what_is_seen("task", "zero");
  the_programs_handlers_ran_once(seen);
  BOOST_TEST(count(seen, "it exited with 0") == 1u, seen);
}

BOOST_DATA_TEST_CASE(may_do_so_before_its_first_task_or_after_its_last,
                     data::make({"setup", "teardown"}) * data::make(manners), way, how) {
  the_programs_handlers_ran_once(what_is_seen(way, how));
}

BOOST_AUTO_TEST_SUITE_END()
