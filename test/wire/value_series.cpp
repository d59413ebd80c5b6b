#define BOOST_TEST_MODULE value_series
#include <boost/test/unit_test.hpp>

#include <procx/error/exceptions.hpp>
#include <procx/detail/wire/value_series.hpp>

#include "support/bytes.hpp"

#include <algorithm>

using namespace procx::detail;

namespace {

frame frame_of(frame_header const& h, std::span<std::byte const> payload) { return {h.kind, h.flags, h.id, payload}; }

bool same(value_series const& a, value_series const& b) {
  return a.id == b.id && a.length == b.length && a.count == b.count && a.at == b.at;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(value_series_)

BOOST_AUTO_TEST_CASE(what_its_header_says_is_what_is_read) {
  bytes const some(200'000);
  for (std::size_t const length : {0, 1, 3, 16})
    for (std::size_t const count : {std::size_t{1}, std::size_t{2}, std::size_t{4096}, value_series::most}) {
      if (length * count > some.size()) continue;
      value_series const s{77, length, count, some.data()};
      frame_header const h = s.header();
      BOOST_TEST(h.length == length * count);
      BOOST_TEST(same(value_series::of(frame_of(h, s.bytes())), s));
    }
}

BOOST_AUTO_TEST_CASE(the_numbers_of_the_wire_never_change) {
  frame_header const h = value_series{0x0605'0403'0201, 4, 3, nullptr}.header();
  BOOST_TEST(h.id == 0x0002'0605'0403'0201u);
  BOOST_TEST(h.length == 12u);
  BOOST_TEST(h.flags == 0);
}

BOOST_AUTO_TEST_CASE(a_single_value_is_a_series_too) {
  bytes const some(9);
  auto const s = value_series::of({frame_kind::value, 0, ~std::uint64_t{0}, some});
  BOOST_TEST(same(s, {~std::uint64_t{0}, 9, 1, some.data()}));
}

BOOST_AUTO_TEST_CASE(bytes_that_cannot_be_shared_out_are_refused) {
  bytes const some(10);
  BOOST_CHECK_EXCEPTION(value_series::of({frame_kind::values, 0, std::uint64_t{2} << 48, some}), procx::protocol_error,
                        says("a frame of values of one length that cannot be"));
}

BOOST_AUTO_TEST_CASE(its_parts_are_its_values) {
  bytes const some = raw({1, 2, 3, 4, 5, 6});
  value_series s{10, 2, 3, some.data()};
  BOOST_TEST(std::ranges::equal(s.payload(2), raw({5, 6})));
  BOOST_TEST(std::ranges::equal(s.front(2).bytes(), raw({1, 2, 3, 4})));
  s.drop_front(1);
  BOOST_TEST(s.id == 11u);
  BOOST_TEST(std::ranges::equal(s.bytes(), raw({3, 4, 5, 6})));
  s.drop_front(2);
  BOOST_TEST(s.bytes().empty());
}

BOOST_AUTO_TEST_SUITE_END()
