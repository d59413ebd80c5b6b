#define BOOST_TEST_MODULE etl_histogram
#include "etl/histogram.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using etl::histogram;

namespace {

constexpr std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max();

/// Values of all magnitudes.
std::vector<std::uint64_t> values(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> all;
  while (all.size() < count) all.push_back(random() >> (random() % 64));
  return all;
}

histogram of(std::vector<std::uint64_t> const& all) {
  histogram h;
  for (std::uint64_t const v : all) h.add(v);
  return h;
}

double error_of(std::uint64_t said, std::uint64_t real) {
  return real == 0 ? static_cast<double>(said)
                   : std::abs(static_cast<double>(said) - static_cast<double>(real)) / static_cast<double>(real);
}

}  // namespace

BOOST_AUTO_TEST_CASE(small_values_are_exact) {
  for (std::uint64_t v = 0; v < 128; ++v) BOOST_TEST(histogram::value_of(histogram::bucket_of(v)) == v);
}

BOOST_AUTO_TEST_CASE(every_value_is_known_to_one_part_in_128) {
  for (std::uint64_t const v : values(100'000, 1)) {
    double const error = error_of(histogram::value_of(histogram::bucket_of(v)), v);
    if (error > 1.0 / 128) BOOST_TEST(error <= 1.0 / 128, v << " is said to be " << histogram::value_of(histogram::bucket_of(v)));
  }
  BOOST_TEST(error_of(histogram::value_of(histogram::bucket_of(greatest)), greatest) <= 1.0 / 128);
}

BOOST_AUTO_TEST_CASE(buckets_rise_with_values_and_none_is_left_out) {
  histogram::bucket before = 0;
  for (std::uint64_t v = 0; v < 100'000; ++v) {
    histogram::bucket const b = histogram::bucket_of(v);
    if (b != before) BOOST_TEST(b == before + 1);
    before = b;
  }
  BOOST_TEST(histogram::bucket_of(greatest) == 3775u);
}

BOOST_AUTO_TEST_CASE(quantiles_are_those_of_the_sorted_values_within_the_error) {
  for (unsigned const seed : {1, 2, 3, 4, 5}) {
    auto all = values(1 + seed * 777, seed);
    histogram const h = of(all);
    std::ranges::sort(all);
    for (double const share : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      auto const rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size()))));
      BOOST_TEST(error_of(h.quantile(share), all[rank - 1]) <= 1.0 / 128);
    }
  }
}

BOOST_AUTO_TEST_CASE(sums_do_not_depend_on_the_order) {
  auto const a = values(1000, 1), b = values(10, 2), c = values(300, 3);
  auto all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  histogram first = of(a), second = of(c);
  first.add(of(b));
  first.add(of(c));
  second.add(of(a));
  second.add(of(b));
  BOOST_TEST((first == second));
  BOOST_TEST((first == of(all)));
  BOOST_TEST(first.count() == all.size());
}

BOOST_AUTO_TEST_CASE(counts_have_64_bits) {
  histogram h;
  h.add(5, std::uint64_t{1} << 40);
  h.add(histogram(h));
  h.add(1'000'000);
  BOOST_TEST(h.count() == (std::uint64_t{1} << 41) + 1);
  BOOST_TEST(h.quantile(0.99) == 5u);
  BOOST_TEST(error_of(h.quantile(1), 1'000'000) <= 1.0 / 128);
}

BOOST_AUTO_TEST_CASE(an_empty_one_has_no_quantiles) {
  BOOST_TEST(histogram().quantile(0.5) == 0u);
  BOOST_TEST(histogram().count() == 0u);
  BOOST_TEST(histogram().to_bytes().empty());
}

BOOST_AUTO_TEST_CASE(bytes_give_the_same_back) {
  histogram const h = of(values(5000, 9));
  BOOST_TEST((histogram::of_bytes(h.to_bytes()) == h));
  BOOST_TEST(h.to_bytes().size() < h.entries().size() * 3);
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused) {
  std::string const good = of({1, 2, 300}).to_bytes();
  BOOST_CHECK_THROW(histogram::of_bytes(good.substr(0, good.size() - 1)), std::runtime_error);
  BOOST_CHECK_THROW(histogram::of_bytes(std::string(20, '\xff')), std::runtime_error);
  BOOST_CHECK_THROW(histogram::of_bytes(std::string("\x01\x00", 2)), std::runtime_error);
  BOOST_CHECK_THROW(histogram::of_bytes(std::string("\x01\x01\x00\x01", 4)), std::runtime_error);
  BOOST_CHECK_THROW(histogram::of_bytes("\xff\x7f\x01"), std::runtime_error);
}
