#define BOOST_TEST_MODULE pmap_large
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace px = procx;

BOOST_FIXTURE_TEST_SUITE(pmap_large, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(large_values_go_through_whole) {
  std::size_t const size = observe::instrumented ? 4u << 20 : 32u << 20;
  std::vector<std::string> const inputs{std::string(size, 'a'), std::string(size, 'b'), "small"};
  auto m = px::pmap([](std::string s) {
    s.back() = 'z';
    return s;
  }, inputs, {.workers = 2});
  std::size_t at = 0;
  for (std::string const& s : m) {
    BOOST_TEST(s.size() == inputs[at].size());
    BOOST_TEST(s.front() == inputs[at].front());
    BOOST_TEST(s.back() == 'z');
    ++at;
  }
  BOOST_TEST(at == 3u);
}

BOOST_AUTO_TEST_CASE(what_exceeds_the_frame_limit_costs_only_its_own_task) {
  std::vector<std::size_t> const sizes{10, 1000, 20, 3000, 30, 900};
  auto results = px::pmap([](std::size_t n) { return std::string(n, 'x'); }, sizes, {.workers = 2, .frame_limit = 950});
  std::vector<std::string> strings;
  for (std::size_t const n : sizes) strings.emplace_back(n, 'y');
  auto inputs = px::pmap([](std::string const& s) { return s.size(); }, strings, {.workers = 2, .frame_limit = 950});
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 950) {
      BOOST_TEST(results[i].size() == sizes[i]);
      BOOST_TEST(inputs[i] == sizes[i]);
    } else {
      BOOST_CHECK_THROW((void)results[i], px::task_error);
      BOOST_CHECK_THROW((void)inputs[i], px::error);
    }
  }
}

BOOST_AUTO_TEST_CASE(results_of_all_sizes_around_the_boards_come_in_order) {
  std::size_t const board = 64 * 1024;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < 60; ++i) sizes.push_back(i % 5 == 4 ? board - 40 + i : i * 1500);
  for (int const workers : {1, 2, 11}) {
    std::size_t at = 0;
    for (std::string const& s : px::pmap([](std::size_t n) { return std::string(n, 'x'); }, sizes, {.workers = workers}))
      BOOST_TEST_REQUIRE(s.size() == sizes[at++]);
    BOOST_TEST(at == sizes.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
