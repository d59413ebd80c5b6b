#define BOOST_TEST_MODULE procx each
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "apps/program.hpp"

#include <ostream>
#include <string>

namespace data = boost::unit_test::data;

namespace {

/// What the shell makes of `printf INPUT | procx each WORDS`.
ended each_of(std::string const& input, std::string const& words) {
  return program({"/bin/sh", "-c", "printf '" + input + "' | " PROCX_TEST_SUPPORT "/procx each " + words}).wait();
}

struct sample {
  char const* words;
  char const* output;  // for the line x
};
std::ostream& operator<<(std::ostream& to, sample const& s) { return to << s.words; }

sample const samples[] = {
    {"sh -c 'echo got {}'", "got x\n"},
    {"echo -u -r 3 -t 5", "-u -r 3 -t 5 x\n"},
    {"echo -n5 -j", "-n5 -j x\n"},
    {"echo --color=never --workers=0 --workers", "--color=never --workers=0 --workers x\n"},
    {"/bin/echo --help", "--help x\n"},
    {"/bin/echo -h --version", "-h --version x\n"},
    {"echo info each", "info each x\n"},
    {"echo -- {} --", "-- x --\n"},
    {"echo '' ' a  b '", "  a  b  x\n"},
    {"-- echo -u -r 3 -n5", "-u -r 3 -n5 x\n"},
    {"-- echo -- -u", "-- -u x\n"},
    {"-j 1 -u -- echo -t", "-t x\n"},
    {"-j1 echo -t 5", "-t 5 x\n"},
    {"-j -1 echo -u", "-u x\n"},
    {"-uj 1 echo -u", "-u x\n"},
    {"-uj1 echo -u", "-u x\n"},
    {"--workers 1 --retries=1 --timeout 9 echo --retries", "--retries x\n"},
};

}  // namespace

BOOST_DATA_TEST_CASE(what_stands_behind_the_first_word_is_the_commands, data::make(samples)) {
  auto const e = each_of("x\\n", sample.words);
  BOOST_TEST(e.out == sample.output);
  BOOST_TEST(e.err == "");
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(an_option_that_each_does_not_know_is_an_error) {
  for (std::string const words : {"-n5 echo", "--color=never echo", "--", "-j 1", "-j", ""}) {
    BOOST_TEST_INFO_SCOPE(words);
    auto const e = each_of("x\\n", words);
    BOOST_TEST(e.out == "");
    BOOST_TEST(e.err != "");
    BOOST_TEST(e.code > 0);
  }
}

BOOST_AUTO_TEST_CASE(help_before_the_command_is_that_of_each) {
  auto const e = each_of("x\\n", "--help echo");
  BOOST_TEST(e.out.find("--retries") != e.out.npos);
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_over_when_its_command_is) {
  // What is left behind holds the output until this side closes it, and would do so for ever.
  auto const e = each_of("a\\nb\\n", "-t 30 -- sh -c 'echo {}; tail -f /dev/null 2>&1 & echo $! >&2'");
  std::istringstream left(e.err);
  for (pid_t pid; left >> pid;) ::kill(pid, SIGKILL);
  BOOST_TEST(e.out == "a\nb\n");
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_over_though_what_it_left_goes_on_writing) {
  auto const e = each_of("a\\n", "-t 30 -- sh -c 'echo {}; yes >&1 & echo $! >&2; exit 3'");
  BOOST_TEST(e.out.starts_with("a\n"));
  BOOST_TEST(e.err.find("line 1: exited with 3") != e.err.npos, e.err);
  BOOST_TEST(e.code == 1);
}

BOOST_AUTO_TEST_CASE(all_that_a_command_wrote_arrives) {
  auto const e = each_of("a\\nb\\nc\\n", "-- sh -c 'head -c 1000000 /dev/zero | tr \"\\\\0\" {}'");
  BOOST_TEST((e.out == std::string(1'000'000, 'a') + std::string(1'000'000, 'b') + std::string(1'000'000, 'c')));
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(a_command_that_is_not_there_is_said) {
  auto const e = each_of("a\\n", "-- /not/there {}");
  BOOST_TEST(e.err.find("cannot execute /not/there") != e.err.npos, e.err);
  BOOST_TEST(e.code == 1);
}
