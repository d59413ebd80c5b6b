#define BOOST_TEST_MODULE completions
#include "pool/completions.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <vector>

using procx::detail::completions;
using procx::detail::operation;
using procx::detail::raw_result;

namespace {

/// An operation that knows whose it is.
struct numbered final : operation {
  explicit numbered(std::uint64_t n) : number(n) {}
  void complete(raw_result) override {}
  std::uint64_t number;
};

void add(completions& all, std::uint64_t first, std::uint64_t count) {
  std::vector<std::unique_ptr<operation>> operations;
  for (std::uint64_t n = first; n < first + count; ++n) operations.push_back(std::make_unique<numbered>(n));
  all.reserve(first, first + count);
  all.add(first, operations);
}
void add_posted(completions& all, std::uint64_t number) {
  std::unique_ptr<operation> none;
  all.reserve(number, number + 1);
  all.add(number, std::span(&none, 1));
}
bool takes(completions& all, std::uint64_t number) {
  auto const op = all.take(number);
  return op && static_cast<numbered const&>(*op).number == number;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(completions_)

BOOST_AUTO_TEST_CASE(each_task_has_its_own_operation_in_whatever_order_they_end) {
  completions all;
  add(all, 0, 10);
  for (std::uint64_t const n : {3u, 0u, 9u, 1u, 2u, 8u, 4u, 7u, 5u, 6u}) BOOST_TEST(takes(all, n));
  BOOST_TEST(all.size() == 0u);
}

BOOST_AUTO_TEST_CASE(the_ring_goes_round_and_does_not_grow) {
  completions all;
  add(all, 0, 40);
  std::size_t const capacity = all.capacity();
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    BOOST_REQUIRE(takes(all, n));
    add(all, n + 40, 1);
  }
  BOOST_TEST(all.size() == 40u);
  BOOST_TEST(all.capacity() == capacity);
}

BOOST_AUTO_TEST_CASE(numbers_may_be_left_out) {
  completions all;
  add(all, 5, 2);
  add(all, 10, 1);
  BOOST_TEST(takes(all, 6));
  BOOST_TEST(takes(all, 5));
  add(all, 1000, 3);
  BOOST_TEST(takes(all, 1001));
  BOOST_TEST(takes(all, 10));
  BOOST_TEST(takes(all, 1002));
  BOOST_TEST(takes(all, 1000));
  BOOST_TEST(all.size() == 0u);
  add(all, 100'000, 1);
  BOOST_TEST(takes(all, 100'000));
}

BOOST_AUTO_TEST_CASE(a_task_whose_outcome_nobody_waits_for_has_none) {
  completions all;
  add(all, 0, 1);
  add_posted(all, 1);
  BOOST_TEST(!all.is_posted(0));
  BOOST_TEST(all.is_posted(1));
  BOOST_TEST(!all.take(1));
  BOOST_TEST(all.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_task_that_never_ends_costs_no_memory_for_those_that_come_and_go) {
  completions all;
  add(all, 0, 1);
  add_posted(all, 1);
  for (std::uint64_t n = 2; n < 1'000'000; n += 10) {
    add(all, n, 10);
    for (std::uint64_t i = n; i < n + 10; ++i) BOOST_REQUIRE(takes(all, i));
  }
  BOOST_TEST(all.capacity() <= 64u);
  BOOST_TEST(all.size() == 2u);
  BOOST_TEST(all.is_posted(1));
  BOOST_TEST(takes(all, 0));
  BOOST_TEST(!all.take(1));
  BOOST_TEST(all.size() == 0u);
}

BOOST_AUTO_TEST_CASE(memory_for_very_many_is_given_back_when_they_have_gone) {
  completions all;
  add(all, 0, 300'000);
  BOOST_TEST(all.capacity() >= 300'000u);
  for (std::uint64_t n = 0; n < 300'000; ++n) BOOST_REQUIRE(takes(all, n));
  add(all, 300'000, 1);
  BOOST_TEST(all.capacity() < 1000u);
  BOOST_TEST(takes(all, 300'000));
}

BOOST_AUTO_TEST_CASE(at_the_end_all_that_is_left_is_given_out_once) {
  completions all;
  add(all, 0, 3);
  for (std::uint64_t n = 3; n < 1000; ++n) {
    add(all, n, 1);
    BOOST_REQUIRE(takes(all, n));
  }
  add(all, 1000, 3);
  BOOST_TEST(takes(all, 1001));
  std::map<std::uint64_t, int> seen;
  while (auto const one = all.take_any()) {
    BOOST_TEST(static_cast<numbered const&>(*one->second).number == one->first);
    ++seen[one->first];
  }
  BOOST_TEST((seen == std::map<std::uint64_t, int>{{0, 1}, {1, 1}, {2, 1}, {1000, 1}, {1002, 1}}));
}

BOOST_AUTO_TEST_CASE(any_history_is_as_a_map_has_it) {
  std::mt19937 random(1);
  completions all;
  std::map<std::uint64_t, bool> model;  // true: somebody waits
  std::uint64_t next = 0;
  for (int step = 0; step < 50'000; ++step) {
    if (random() % 3 == 0) next += random() % 5;
    if (model.size() < 200 && random() % 2) {
      bool const posted = random() % 4 == 0;
      if (posted)
        add_posted(all, next);
      else
        add(all, next, 1);
      model[next++] = !posted;
    } else if (!model.empty()) {
      auto at = model.begin();
      std::advance(at, random() % 8 == 0 ? random() % model.size() : 0);
      BOOST_REQUIRE(all.is_posted(at->first) == !at->second);
      if (at->second)
        BOOST_REQUIRE(takes(all, at->first));
      else
        BOOST_REQUIRE(!all.take(at->first));
      model.erase(at);
    }
    BOOST_REQUIRE(all.size() == model.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
