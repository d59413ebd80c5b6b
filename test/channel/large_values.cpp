#define BOOST_TEST_MODULE large_values
#include <procx/channel/start.hpp>

#include "support/processes.hpp"
#include "support/transports.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <vector>

namespace px = procx;
using processes::sanitized;

BOOST_AUTO_TEST_SUITE(large_values)

BOOST_DATA_TEST_CASE(thirty_two_mib_go_both_ways_at_the_same_time, transports, via) {
  constexpr std::size_t size = std::size_t{sanitized ? 4 : 32} << 20;
  px::channel ch = px::start({.via = via}, [](px::channel& up) {
    up.send(std::vector<std::uint8_t>(size, 1));  // neither side receives before it has sent
    auto const got = up.receive<std::vector<std::uint8_t>>();
    up.send(got.size() == size && got.back() == 2);
  });
  ch.send(std::vector<std::uint8_t>(size, 2));
  auto const got = ch.receive<std::vector<std::uint8_t>>();
  BOOST_TEST(got.size() == size);
  BOOST_TEST(int{got.front()} == 1);
  BOOST_TEST(int{got.back()} == 1);
  BOOST_TEST(ch.receive<bool>());
}

BOOST_AUTO_TEST_CASE(many_values_wait_to_be_received) {
  constexpr int count = sanitized ? 2'000 : 20'000;
  px::channel ch = px::start([](px::channel& up) {
    for (int i = 0; i < count; ++i) up.send(i);
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += up.receive<int>();
    up.send(sum);
  });
  for (int i = 0; i < count; ++i) ch.send(1);
  int right = 0;
  for (int i = 0; i < count; ++i) right += ch.receive<int>() == i;
  BOOST_TEST(right == count);
  BOOST_TEST(ch.receive<std::int64_t>() == count);
}

BOOST_AUTO_TEST_CASE(a_value_larger_than_what_is_read_ahead_crosses_another) {
  constexpr std::size_t size = std::size_t{80} << 20;
  px::channel ch = px::start([](px::channel& up) {
    up.send(std::vector<char>(size, 1));
    up.send(up.receive<std::vector<char>>().size());
  });
  ch.send(std::vector<char>(size, 2));
  BOOST_TEST(ch.receive<std::vector<char>>().size() == size);
  BOOST_TEST(ch.receive<std::size_t>() == size);
}

BOOST_AUTO_TEST_SUITE_END()
