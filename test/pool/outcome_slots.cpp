#define BOOST_TEST_MODULE outcome_slots
#include <procx/detail/pool/outcome_slots.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <random>
#include <string>

using procx::detail::outcome_slots;

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(places_are_filled_in_any_order_and_emptied_from_the_front) {
  outcome_slots<int> places;
  BOOST_TEST(places.size() == 0u);
  BOOST_TEST(!places.is_filled(0));
  places[2] = 2;
  BOOST_TEST(places.size() == 3u);
  BOOST_TEST((!places.is_filled(0) && !places.is_filled(1) && places.is_filled(2) && !places.is_filled(3)));
  places[0] = 0;
  BOOST_TEST(*places.front() == 0);
  places.pop_front();
  BOOST_TEST(places.size() == 2u);
  BOOST_TEST((!places.is_filled(0) && places.is_filled(1)));
}

BOOST_AUTO_TEST_CASE(what_is_in_a_place_stays_there_in_memory) {
  outcome_slots<std::string> places;
  places[0] = "first";
  places[1] = "kept";
  std::string const* const kept = &*places[1];
  for (std::size_t i = 2; i < 100'000; ++i) places[i] = std::to_string(i);
  places.pop_front();
  BOOST_TEST(kept == &*places.front());
  BOOST_TEST(*kept == "kept");
  for (std::size_t i = 2; i < 100'000; ++i) {
    places.pop_front();
    BOOST_REQUIRE(*places.front() == std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(any_history_is_that_of_a_queue) {
  std::mt19937 random(7);
  outcome_slots<std::unique_ptr<int>> places;
  std::size_t first = 0, end = 0;
  for (int round = 0; round < 2000; ++round) {
    for (auto n = random() % 700; n > 0; --n, ++end) {
      BOOST_REQUIRE(!places.is_filled(end - first));
      places[end - first] = std::make_unique<int>(static_cast<int>(end));
    }
    for (auto n = random() % 700; n > 0 && first < end; --n, ++first) {
      BOOST_REQUIRE(places.is_filled(0));
      BOOST_REQUIRE(**places.front() == static_cast<int>(first));
      places.pop_front();
    }
    BOOST_REQUIRE(places.size() == end - first);
  }
}

BOOST_AUTO_TEST_CASE(large_things_have_blocks_of_their_own) {
  struct large {
    char bytes[100'000];
    int number;
  };
  outcome_slots<large> places;
  for (int i = 0; i < 50; ++i) {
    places[0].emplace().number = i;
    BOOST_TEST(places.front()->number == i);
    places.pop_front();
  }
}

BOOST_AUTO_TEST_SUITE_END()
