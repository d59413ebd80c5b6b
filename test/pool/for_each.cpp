#define BOOST_TEST_MODULE for_each
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <unistd.h>

namespace px = procx;

namespace {

using counter = observe::shared<std::atomic<long>>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(for_each, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(all_is_done_when_it_returns) {
  for (int const workers : {1, 2, 11}) {
    counter sum(0);
    px::for_each([&](int n) { *sum += n; }, std::views::iota(1, 1001), {.workers = workers});
    BOOST_TEST(*sum == 500'500);
  }
}

BOOST_AUTO_TEST_CASE(what_the_callable_returns_stays_there_whatever_it_is) {
  counter calls(0);
  std::vector<std::string> const words{"a", "bc", "def"};
  px::for_each([&](std::string const& word) { return *calls += static_cast<long>(word.size()), &word; }, words);
  BOOST_TEST(*calls == 6);
  px::for_each([&](auto n) { return ++*calls, std::make_unique<int>(n); }, std::views::iota(0, 3));
  BOOST_TEST(*calls == 9);
}

BOOST_AUTO_TEST_CASE(elements_are_spread_and_parameters_see_them_in_place) {
  counter sum(0);
  std::vector<std::tuple<int, long>> const pairs{{1, 2}, {3, 4}};
  px::for_each([&](int a, long b) { *sum += a * b; }, pairs);
  BOOST_TEST(*sum == 14);
  std::vector<std::vector<int>> const large(3, std::vector<int>(100'000, 1));
  px::for_each([&](px::view<int> v) { *sum += static_cast<long>(v.size()); }, large, {.workers = 2});
  BOOST_TEST(*sum == 300'014);
}

BOOST_AUTO_TEST_CASE(the_failure_of_the_first_element_that_has_one_is_thrown_when_all_calls_have_ended) {
  for (int const workers : {1, 2, 11}) {
    counter calls(0);
    auto const work = [&](int n) {
      ++*calls;
      if (n == 30) throw std::runtime_error("thirty");
      if (n == 20) ::usleep(20'000), throw std::runtime_error("twenty");
    };
    BOOST_CHECK_EXCEPTION(px::for_each(work, std::views::iota(0, 100), {.workers = workers}), px::remote_exception,
                          [](auto const& e) { return std::string(e.what()).find("twenty") != std::string::npos; });
    BOOST_TEST(*calls == 100);
  }
}

BOOST_AUTO_TEST_CASE(a_death_is_a_failure_and_is_tried_again_if_asked_to) {
  counter tries(0);
  auto const dies_once = [&](int) {
    if (++*tries == 1) ::raise(SIGKILL);
  };
  px::for_each(dies_once, std::views::iota(0, 1), {.retries = 1});
  BOOST_TEST(*tries == 2);
  *tries = 0;
  BOOST_CHECK_THROW(px::for_each(dies_once, std::views::iota(0, 1)), px::process_died);
}

BOOST_AUTO_TEST_CASE(what_the_range_throws_is_thrown_after_the_calls_before) {
  counter calls(0);
  auto const breaks = std::views::iota(0) | std::views::take_while([](int n) {
                        return n == 5 ? throw std::range_error("five") : true;
                      });
  BOOST_CHECK_THROW(px::for_each([&](int) { ++*calls; }, breaks, {.workers = 2}), std::range_error);
  BOOST_TEST(*calls == 5);
}

BOOST_AUTO_TEST_CASE(an_empty_range_is_done_at_once) {
  px::for_each([](int) {}, std::vector<int>());
}

BOOST_AUTO_TEST_SUITE_END()
