// Ranges that take their time, or need results of the inputs before.
#define BOOST_TEST_MODULE pmap_ranges
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using px::detail::supply;
using px::detail::supply_of;

namespace {

int twice(int n) { return 2 * n; }

/// Numbers that are written at one end and read, as elements of a range, at the other.
struct number_pipe {
  processes::own_pipe pipe;

  void write(int n) const { BOOST_REQUIRE(::write(pipe.write.get(), &n, sizeof n) == sizeof n); }
  int read() const {
    int n = 0;
    std::this_thread::sleep_for(10us);  // no machine is to take this for a computation
    return ::read(pipe.read.get(), &n, sizeof n) == sizeof n ? n : -1;
  }
  /// So many of them, each read when it is asked for.
  auto numbers(int count) const {
    return std::views::iota(0, count) | std::views::transform([this](int) { return read(); });
  }
};

/// A range whose n-th element is asked for only when this many have begun to run; that is seen in time or never.
struct begun_before {
  observe::shared<std::atomic<int>> begun;

  int wait_for(int count) const {
    for (int i = 0; i < 1000 && begun->load() < count; ++i) std::this_thread::sleep_for(10ms);
    return begun->load() >= count ? count : -1;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ranges, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(it_is_known_which_ranges_have_their_elements_at_hand) {
  std::vector<int> v;
  std::list<std::string> l;
  std::istringstream text;
  auto const f = [](int n) { return n; };
  auto const kind = []<class R>(R&&) { return supply_of<std::views::all_t<R>>; };
  BOOST_TEST((kind(v) == supply::at_hand));
  BOOST_TEST((kind(l) == supply::at_hand));
  BOOST_TEST((kind(std::vector<int>()) == supply::at_hand));
  BOOST_TEST((kind(std::views::iota(0, 9)) == supply::at_hand));
  BOOST_TEST((kind(v | std::views::take(3)) == supply::at_hand));
  BOOST_TEST((kind(v | std::views::transform(f)) == supply::computed));
  BOOST_TEST((kind(v | std::views::filter(f)) == supply::computed));
  BOOST_TEST((kind(std::views::istream<int>(text)) == supply::from_elsewhere));
}

BOOST_AUTO_TEST_CASE(the_next_input_may_need_the_result_before) {
  for (unsigned const window : {1u, 0u})
    for (bool const ordered : {true, false}) {
      number_pipe const fed;
      fed.write(1);
      std::vector<int> results;
      for (int r : px::pmap(twice, fed.numbers(100), {.workers = 1, .ordered = ordered, .window = window})) {
        results.push_back(r);
        fed.write(r / 2 + 1);
      }
      BOOST_REQUIRE(results.size() == 100);
      for (int i = 0; i < 100; ++i) BOOST_TEST(results[static_cast<std::size_t>(i)] == 2 * (i + 1));
    }
}

BOOST_AUTO_TEST_CASE(so_it_may_with_a_window_of_one_where_nothing_is_read) {
  std::vector<int> results{1};
  auto const last = std::views::iota(0, 200) | std::views::transform([&](int) { return results.back() % 1000; });
  for (int r : px::pmap([](int n) { return n + 1; }, last, {.workers = 1, .window = 1})) results.push_back(r);
  BOOST_REQUIRE(results.size() == 201);
  for (int i = 1; i <= 200; ++i) BOOST_TEST(results[static_cast<std::size_t>(i)] == i + 1);
}

BOOST_AUTO_TEST_CASE(as_many_inputs_as_there_are_workers_need_no_result) {
  number_pipe const fed;
  fed.write(1);
  fed.write(2);
  int next = 3;
  std::vector<int> results;
  for (int r : px::pmap(twice, fed.numbers(30), {.workers = 2, .ordered = false, .window = 1})) {
    results.push_back(r);
    fed.write(next++);
  }
  std::ranges::sort(results);
  BOOST_REQUIRE(results.size() == 30);
  for (int i = 0; i < 30; ++i) BOOST_TEST(results[static_cast<std::size_t>(i)] == 2 * (i + 1));
}

BOOST_AUTO_TEST_CASE(what_was_drawn_is_run_while_the_range_waits) {
  begun_before const seen;
  auto const work = [&](int n) {
    ++*seen.begun;
    return n;
  };
  auto const in = std::views::iota(0, 5) | std::views::transform([&](int i) { return seen.wait_for(i); });
  for (unsigned const workers : {1u, 2u}) {
    *seen.begun = 0;
    BOOST_TEST(px::pmap(work, in, {.workers = workers}).to_vector() == (std::vector{0, 1, 2, 3, 4}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_element_may_ask_the_map_itself_for_a_result) {
  std::optional<px::parallel_map<int (*)(int), std::ranges::transform_view<std::ranges::iota_view<int, int>,
                                                                           std::function<int(int)>>>> map;
  std::function<int(int)> const before = [&](int i) { return i == 0 ? 1 : (*map)[static_cast<std::size_t>(i - 1)]; };
  map.emplace(twice, std::views::iota(0, 10) | std::views::transform(before), px::pmap_options{.workers = 2});
  for (int i = 9; i >= 0; --i) BOOST_TEST((*map)[static_cast<std::size_t>(i)] == 2 << i);

  std::function<int(int)> const itself = [&](int i) { return (*map)[static_cast<std::size_t>(i)]; };
  map.emplace(twice, std::views::iota(0, 2) | std::views::transform(itself), px::pmap_options{.workers = 1});
  for (auto const& o : map->outcomes()) BOOST_CHECK_THROW(std::rethrow_exception(o.error()), px::sequence_error);
}

BOOST_AUTO_TEST_CASE(a_slow_range_has_its_failures_in_their_places) {
  auto const in = std::views::iota(0, 6) | std::views::transform([](int i) {
                    std::this_thread::sleep_for(1ms);
                    if (i == 2) throw std::runtime_error("no element");
                    return std::string(static_cast<std::size_t>(i), 'x');
                  });
  int index = 0;
  for (auto const& o : px::pmap([](std::string const& s) { return s.size(); }, in, {.workers = 2}).outcomes()) {
    BOOST_TEST(o.has_value() == (index != 2));
    if (o) BOOST_TEST(*o == static_cast<std::size_t>(index));
    ++index;
  }
  BOOST_TEST(index == 6);
}

BOOST_AUTO_TEST_SUITE_END()
