#define BOOST_TEST_MODULE readme
#include "docs/output_of.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_CASE(the_first_program_prints_what_the_page_says) {
  std::string const text = output_of(PROCX_TEST_SUPPORT "/readme_first");
  BOOST_TEST(text.starts_with("some: 4\nwords: 5\nand: 3\na: 1\ntrap: process "));
  BOOST_TEST(text.find(" killed by SIGABRT") != std::string::npos);
}
