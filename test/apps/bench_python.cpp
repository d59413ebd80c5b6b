#define BOOST_TEST_MODULE bench_python
#include "apps/bench_fixture.hpp"

BOOST_AUTO_TEST_SUITE(bench_python)

BOOST_AUTO_TEST_CASE(the_peers_in_python_give_figures_where_there_is_python) {
  ended const e = bench({"--contender", "Python"});
  BOOST_TEST_INFO(e.out);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(e.err == "");
  if (contains(e.out, "left out: there is no python3")) return;
  for (char const* name : {"Python Pipe", "Python imap_unordered, chunk 1 ", "unordered, chunk 64 ", "Python Process"})
    BOOST_TEST(contains(e.out, name));
  BOOST_TEST(!contains(e.out, "left out"));
}

BOOST_AUTO_TEST_SUITE_END()
