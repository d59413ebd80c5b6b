#define BOOST_TEST_MODULE portable

#include <procx/error/exceptions.hpp>
#include <procx/wire/full_archive.hpp>
#include <procx/wire/portable.hpp>
#include <procx/wire/travel.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace detail = procx::detail;
using procx::decode_portable;
using procx::encode_portable;

namespace {

std::vector<std::byte> bytes(std::initializer_list<int> list) {
  std::vector<std::byte> all;
  for (int b : list) all.push_back(static_cast<std::byte>(b));
  return all;
}
template <class T>
bool is_portable() {
  return detail::is_encodable<T, procx::wire_form::portable>;
}

struct pixel {
  char red = 0;
  int depth = 0;
};
struct picture {
  std::vector<pixel> pixels;
  pixel corners[2];
  std::optional<pixel> middle;
  std::tuple<char, pixel, bool> more;
};
struct with_flag {
  bool flag = false;
  std::array<bool, 2> flags{};
};
union word {
  int number;
  float real;
};

/// An object in memory that was full of `filling` before.
template <class T>
class filled {
 public:
  explicit filled(int filling, T const& value) {
    std::memset(place_, filling, sizeof place_);
    object_ = new (place_) T;
    *object_ = value;
  }
  ~filled() { object_->~T(); }
  filled(filled const&) = delete;
  filled& operator=(filled const&) = delete;
  T& operator*() noexcept { return *object_; }

 private:
  alignas(T) unsigned char place_[sizeof(T)];
  T* object_ = nullptr;
};
void paint(pixel& p) { p.red = 'r', p.depth = 5; }

}  // namespace

BOOST_AUTO_TEST_SUITE(layout)

BOOST_AUTO_TEST_CASE(is_as_documented) {
  BOOST_TEST((encode_portable(std::uint32_t{0x01020304}) == bytes({4, 3, 2, 1})));
  BOOST_TEST((encode_portable(true) == bytes({1})));
  BOOST_TEST((encode_portable(1.0F) == bytes({0, 0, 0x80, 0x3f})));
  BOOST_TEST((encode_portable(std::string("ab")) == bytes({2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'})));
  BOOST_TEST((encode_portable(std::vector<short>{1, -1}) == bytes({2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xff, 0xff})));
  BOOST_TEST((encode_portable(std::optional<char>('x')) == bytes({1, 'x'})));
  BOOST_TEST((encode_portable(std::optional<char>()) == bytes({0})));
  BOOST_TEST((encode_portable(std::variant<int, char>('x')) == bytes({1, 0, 0, 0, 'x'})));
  BOOST_TEST((encode_portable(std::bitset<10>(0x203)) == bytes({3, 2})));
  BOOST_TEST((encode_portable(std::monostate()) == bytes({0})));
  BOOST_TEST((encode_portable(std::map<char, bool>{{'a', true}}) == bytes({1, 0, 0, 0, 0, 0, 0, 0, 'a', 1})));
}

BOOST_AUTO_TEST_CASE(has_no_holes) {
  BOOST_TEST(encode_portable(pixel{1, 2}).size() == 5u);
  BOOST_TEST((encode_portable(std::vector<pixel>{{1, 2}}) == bytes({1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0})));
}

BOOST_AUTO_TEST_CASE(is_the_same_for_equal_values_whatever_was_in_their_holes) {
  filled<picture> a(0xaa, {}), b(0x55, {});
  for (picture* p : {&*a, &*b}) {
    p->pixels.resize(3);
    for (pixel& one : p->pixels) paint(one);
    for (pixel& one : p->corners) paint(one);
    paint(p->middle.emplace());
    std::get<0>(p->more) = 1, paint(std::get<1>(p->more)), std::get<2>(p->more) = true;
  }
  BOOST_TEST((encode_portable(*a) == encode_portable(*b)));
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE(checks)

BOOST_AUTO_TEST_CASE(a_bool_also_where_it_is_inside) {
  BOOST_CHECK_THROW(decode_portable<bool>(bytes({2})), procx::protocol_error);
  BOOST_CHECK_THROW(decode_portable<with_flag>(bytes({2, 0, 0})), procx::protocol_error);
  BOOST_CHECK_THROW(decode_portable<with_flag>(bytes({1, 0, 3})), procx::protocol_error);
  BOOST_TEST(decode_portable<with_flag>(bytes({1, 0, 1})).flags[1]);
}

BOOST_AUTO_TEST_CASE(a_length_against_what_is_left) {
  auto const huge = bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1});
  BOOST_CHECK_THROW(decode_portable<std::string>(huge), procx::protocol_error);
  BOOST_CHECK_THROW(decode_portable<std::vector<int>>(huge), procx::protocol_error);
  BOOST_CHECK_THROW(decode_portable<std::vector<std::tuple<>>>(huge), procx::protocol_error);
  BOOST_CHECK_THROW((decode_portable<std::map<int, int>>(huge)), procx::protocol_error);
  BOOST_CHECK_THROW(decode_portable<std::vector<bool>>(huge), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(every_beginning_is_refused) {
  picture value;
  value.pixels.resize(2);
  value.middle.emplace();
  auto const whole = encode_portable(value);
  for (std::size_t n = 0; n < whole.size(); ++n)
    BOOST_CHECK_THROW(decode_portable<picture>(std::span(whole).first(n)), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(the_mark_of_shared_memory_means_nothing_here) {
  auto const marked = bytes({1, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0});
  BOOST_CHECK_THROW(decode_portable<std::vector<int>>(marked), procx::protocol_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(what_differs_between_machines_is_refused_at_any_depth) {
  BOOST_TEST((!is_portable<long double>() && !is_portable<std::map<int, std::vector<long double>>>()));
  BOOST_TEST((!is_portable<wchar_t>() && !is_portable<std::wstring>() && !is_portable<word>()));
  BOOST_TEST((!is_portable<std::optional<std::tuple<int, word>>>()));
  auto const lambda = procx::by_value([n = 1] { return n; });
  BOOST_TEST(!is_portable<std::remove_const_t<decltype(lambda)>>());
  BOOST_TEST((is_portable<picture>() && is_portable<std::error_code>() && is_portable<double>()));
}
