#define BOOST_TEST_MODULE arrival
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace px = procx;
using boost::test_tools::per_element;

namespace {

double weighed_sum(px::view<double> samples, int weight, char const* name) {
  return std::accumulate(samples.begin(), samples.end(), 0.0) * weight + static_cast<double>(std::strlen(name));
}

px::shared_vector<double> doubled(px::shared_vector<double> samples) noexcept {
  for (double& s : samples) s *= 2;
  return samples;
}

/// Small and copied as it lies in memory, but not by its constructor.
struct only_moves {
  int n = 0;
  only_moves() = default;
  explicit only_moves(int value) : n(value) {}
  only_moves(only_moves&&) = default;
  only_moves& operator=(only_moves&&) = default;
};

std::vector<double> samples(std::size_t count) { return std::vector<double>(count, 1.5); }

// Through a pipe, and in shared memory.
constexpr std::size_t counts[] = {0, 3, 100'000};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(arrival, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(an_argument_of_a_pool_arrives_as_its_parameter_asks_for) {
  px::process_pool pool({.workers = 1});
  for (std::size_t const count : counts) {
    auto const all = samples(count);
    double const sum = 1.5 * static_cast<double>(count);
    BOOST_TEST(pool.submit(weighed_sum, all, 2, "text").get() == 2 * sum + 4);
    BOOST_TEST(pool.async_submit(px::call(weighed_sum, all, 3, std::string("longer text")), boost::asio::use_future).get() ==
               3 * sum + 11);
    int factor = 7;  // as a constant it would not be captured
    auto const inherited = pool.add([factor](px::view<double> in) { return in.size() * factor; });
    BOOST_TEST(pool.submit(inherited, all).get() == 7 * count);
    auto const copied = px::by_value([factor](px::view<double> in) { return in.size() * factor; });
    BOOST_TEST(pool.submit(copied, all).get() == 7 * count);
    auto const twice = pool.submit(doubled, all).get();
    BOOST_TEST(twice.size() == count);
    for (double const d : twice) BOOST_REQUIRE(d == 3);
    BOOST_TEST(all == samples(count));
  }
}

BOOST_AUTO_TEST_CASE(what_is_shared_already_is_seen_in_place) {
  px::process_pool pool({.workers = 1});
  px::shared_vector<double> shared(100'000, 0.5);
  BOOST_TEST(pool.submit([](px::view<double> in) { return std::accumulate(in.begin(), in.end(), 0.0); }, std::move(shared))
                 .get() == 50'000);
}

BOOST_AUTO_TEST_CASE(so_does_an_item_of_a_queue) {
  for (std::size_t const count : counts) {
    auto const all = samples(count);
    double const sum = 1.5 * static_cast<double>(count);
    px::parallel_queue<double> queue({.workers = 1});
    queue.put(weighed_sum, all, 2, "text");
    BOOST_TEST(queue.get() == 2 * sum + 4);
    px::parallel_single_task_queue single([](px::view<double> in, char const* name) { return in.size() + std::strlen(name); },
                                          {.workers = 1});
    single.put(all, "text");
    BOOST_TEST(single.get() == count + 4);
  }
}

BOOST_AUTO_TEST_CASE(so_does_an_element_of_a_range) {
  std::vector<std::string> const words{"one", "three", ""};
  BOOST_TEST((px::pmap([](char const* word) { return std::strlen(word); }, words).to_vector() ==
              std::vector<std::size_t>{3, 5, 0}));
  std::vector<char const*> const pointers{"one", "three"};
  BOOST_TEST((px::pmap([](char const* word) { return std::strlen(word); }, pointers).to_vector() ==
              std::vector<std::size_t>{3, 5}));
}

BOOST_AUTO_TEST_CASE(a_tuple_of_references_is_sent_as_what_it_refers_to) {
  std::vector<int> const numbers{1, 2, 3};
  std::vector<std::string> const words{"a", "b", "c"};
  auto const both = std::views::iota(std::size_t{0}, numbers.size()) |
                    std::views::transform([&](std::size_t i) { return std::tie(numbers[i], words[i]); });
  auto const join = [](int n, std::string const& w) noexcept { return w + std::to_string(n); };
  BOOST_TEST((px::pmap(join, both).to_vector() == std::vector<std::string>{"a1", "b2", "c3"}));
}

BOOST_AUTO_TEST_CASE(a_callable_that_throws_nothing_has_parameters_like_others) {
  std::vector<std::vector<int>> const inputs{{1, 2}, {}};
  auto const size = [](px::view<int> in) noexcept { return in.size(); };
  BOOST_TEST((px::pmap(size, inputs).to_vector() == std::vector<std::size_t>{2, 0}));
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_pair_arrive_as_arguments_do) {
  std::vector<std::pair<std::vector<int>, int>> const vectors{{{1, 2, 3}, 4}, {{5, 6}, 7}};
  auto const sum = [](px::view<int> v, int n) { return std::accumulate(v.begin(), v.end(), n); };
  BOOST_TEST(px::pmap(sum, vectors).to_vector() == (std::vector{10, 18}), per_element());

  std::vector<std::pair<std::string, int>> const texts{{"abc", 1}, {"de", 2}};
  auto const length = [](char const* text, int n) { return static_cast<int>(std::strlen(text)) * 10 + n; };
  BOOST_TEST(px::pmap(length, texts).to_vector() == (std::vector{31, 22}), per_element());

  std::vector<std::pair<char const*, int>> const literals{{"abc", 1}, {"de", 2}};
  auto const size = [](std::string const& text, int n) { return static_cast<int>(text.size()) * 10 + n; };
  BOOST_TEST(px::pmap(size, literals).to_vector() == (std::vector{31, 22}), per_element());
}

BOOST_AUTO_TEST_CASE(what_only_moves_is_sent_from_where_it_is) {
  std::map<int, std::unique_ptr<int>> map;
  map.emplace(1, std::make_unique<int>(5));
  map.emplace(2, std::make_unique<int>(6));
  auto const apart = [](int key, std::unique_ptr<int> const& p) { return key * 100 + *p; };
  auto const whole = [](std::pair<int, std::unique_ptr<int>> const& p) { return p.first * 100 + *p.second; };
  BOOST_TEST(px::pmap(apart, map).to_vector() == (std::vector{105, 206}), per_element());
  BOOST_TEST(px::pmap(whole, map).to_vector() == (std::vector{105, 206}), per_element());
  using references_to_parts = std::tuple<int const&, std::unique_ptr<int>&>;
  auto const references = map | std::views::transform([](auto& p) { return references_to_parts(p.first, p.second); });
  BOOST_TEST(px::pmap(apart, references).to_vector() == (std::vector{105, 206}), per_element());
}

BOOST_AUTO_TEST_CASE(one_shared_vector_can_be_given_to_several_tasks) {
  px::process_pool pool({.workers = 1});
  px::shared_vector<int> given(100'000, 3);
  for (int i = 0; i < 3; ++i) BOOST_TEST(pool.submit([](px::view<int> v) { return v[99'999]; }, given).get() == 3);
  auto const change = [](px::shared_vector<int> v) { return v[0] = 9; };
  BOOST_TEST(pool.submit(change, given).get() == 9);
  BOOST_TEST(given[0] == 3);
}

BOOST_AUTO_TEST_CASE(small_things_that_only_move_or_are_unions_can_be_put_into_a_queue) {
  union number {
    int i;
    float f;
  };
  px::parallel_queue<float> queue({.workers = 1});
  queue.put([](only_moves m) { return static_cast<float>(m.n); }, only_moves(4));
  number u;
  u.f = 1.5F;
  queue.put([](number n) { return n.f; }, u);
  BOOST_TEST(queue.get() == 4);
  BOOST_TEST(queue.get() == 1.5F);
}

BOOST_AUTO_TEST_SUITE_END()
