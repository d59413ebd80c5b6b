#define BOOST_TEST_MODULE lines
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include <ranges>
#include <sstream>
#include <string>
#include <vector>

namespace px = procx;

BOOST_AUTO_TEST_SUITE(lines)

static std::vector<std::size_t> sizes_of(std::string const& text) {
  std::istringstream in(text);
  std::vector<std::size_t> sizes;
  for (std::size_t n : px::pmap([](std::string const& line) { return line.size(); }, px::lines(in), {.workers = 2}))
    sizes.push_back(n);
  return sizes;
}

BOOST_AUTO_TEST_CASE(each_line_is_an_input_whether_or_not_the_last_one_ends) {
  BOOST_TEST((sizes_of("") == std::vector<std::size_t>{}));
  BOOST_TEST((sizes_of("\n") == std::vector<std::size_t>{0}));
  BOOST_TEST((sizes_of("one\n\nthree\n") == std::vector<std::size_t>{3, 0, 5}));
  BOOST_TEST((sizes_of("one\r\nno end") == std::vector<std::size_t>{4, 6}));
  BOOST_TEST((sizes_of(std::string("a\0b\n", 4)) == std::vector<std::size_t>{3}));
}

BOOST_AUTO_TEST_CASE(a_pipeline_is_fed_with_lines) {
  std::istringstream in("1\n2\n3\n");
  auto p = px::pipeline().add_task([](std::string const& s) { return std::stoi(s); }, {.workers = 1});
  p.start();
  p.feed_chunk(px::lines(in));
  BOOST_TEST(p.join().out == 3u);
  int sum = 0;
  for (int n : p.as_completed()) sum += n;
  BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_SUITE_END()
