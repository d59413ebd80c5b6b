#define BOOST_TEST_MODULE etl_top_list
#include "etl/random.hpp"
#include "etl/text_table.hpp"
#include "etl/top_list.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

struct count {
  std::uint64_t value = 0;
  count& operator+=(count const& other) {
    value += other.value;
    return *this;
  }
};
using list = etl::top_list<count>;

/// A table that changes as a database's would.
struct kept {
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> rows;  // weight and excess
  void take(list& from) {
    from.take_changes([&](std::string const& text, auto const& e) { rows[text] = {e.weight, e.excess}; },
                      [&](std::string const& text) { BOOST_TEST(rows.erase(text) == 1u); });
  }
};

std::string text_of(std::uint64_t n) { return "/path/" + std::to_string(n); }

}  // namespace

BOOST_AUTO_TEST_CASE(as_long_as_there_is_room_all_is_exact) {
  list top(10);
  for (std::uint64_t round = 1; round <= 3; ++round)
    for (std::uint64_t i = 0; i < 20; ++i) top.add(text_of(i), i + 1, {1});
  kept table;
  table.take(top);
  BOOST_TEST(table.rows.size() == 20u);
  for (std::uint64_t i = 0; i < 20; ++i) BOOST_TEST((table.rows.at(text_of(i)) == std::pair(3 * (i + 1), std::uint64_t{0})));
  BOOST_TEST(top.floor() == 0u);
}

BOOST_AUTO_TEST_CASE(with_too_many_texts_the_bounds_hold) {
  for (std::uint64_t const seed : {1, 2, 3}) {
    constexpr std::size_t capacity = 100;
    list top(capacity);
    etl::random_numbers random(seed);
    etl::zipf_numbers const texts(20'000, 1.1);
    std::map<std::string, std::uint64_t> exact;
    std::uint64_t all = 0;
    for (int i = 0; i < 50'000; ++i) {
      std::string const text = text_of(seed == 3 && i % 2 ? 100'000u + static_cast<std::uint64_t>(i) : texts.draw(random));
      std::uint64_t const weight = 1 + random.below(20);
      top.add(text, weight, {weight});
      exact[text] += weight;
      all += weight;
    }
    kept table;
    table.take(top);
    BOOST_TEST(table.rows.size() <= 2 * capacity);
    BOOST_TEST(top.floor() <= all / capacity);
    for (auto const& [text, row] : table.rows) {
      BOOST_TEST(row.first >= exact.at(text));
      BOOST_TEST(row.first - row.second <= exact.at(text));
    }
    for (auto const& [text, weight] : exact)
      if (weight > top.floor()) BOOST_TEST(table.rows.contains(text), text << " of " << weight << " is missing");
  }
}

BOOST_AUTO_TEST_CASE(a_list_that_is_stored_and_restored_goes_on_as_if_it_had_not_been) {
  constexpr std::size_t capacity = 20;
  list whole(capacity);
  kept table, of_whole;
  std::uint64_t floor = 0;
  etl::random_numbers random(5);
  for (int run = 0; run < 30; ++run) {
    list part(capacity);
    for (auto const& [text, row] : table.rows) part.restore(text, {row.first, row.second, {}, false, true});
    part.restore_floor(floor);
    for (int i = 0; i < 37; ++i) {
      std::string const text = text_of(random.below(90));
      whole.add(text, 1, {1});
      part.add(text, 1, {1});
      if (i == 20) table.take(part);
    }
    table.take(part);
    floor = part.floor();
  }
  of_whole.take(whole);
  BOOST_TEST((table.rows == of_whole.rows));
  BOOST_TEST(floor == whole.floor());
}

BOOST_AUTO_TEST_CASE(a_text_table_keeps_all_texts_apart) {
  etl::text_table<int> table;
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < 20'000; ++i) texts.push_back(text_of(i * i));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20'000; ++i) table[table.find(texts[static_cast<std::size_t>(i)])] += i;
    BOOST_TEST(table.records().size() == 20'000u);
    for (int i = 0; i < 20'000; ++i)
      if (table[table.find(texts[static_cast<std::size_t>(i)])] != i) BOOST_ERROR("a row is another text's");
    table.clear();
    BOOST_TEST(table.records().empty());
  }
}
