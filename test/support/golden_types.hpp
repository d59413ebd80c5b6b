#pragma once

#include <procx/wire/codec.hpp>

#include <boost/circular_buffer.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

// One value of each kind that has a portable form. What is kept of them was written once, and must be read for ever: a case is
// added here, never changed.
namespace golden {

enum class shade : unsigned char { light, dark };
enum plain_enum { first_of_all, second_of_all };

struct point {
  double x = 0, y = 0;
  bool operator==(point const&) const = default;
};
struct pixel {  // has a hole
  char red = 0;
  int depth = 0;
  bool operator==(pixel const&) const = default;
};
struct grid {
  short cells[2][3] = {};
  bool dense = false;
  bool operator==(grid const&) const = default;
};
struct tree {
  std::string name;
  std::vector<tree> branches;
  bool operator==(tree const&) const = default;
};
struct chain {
  int number = 0;
  std::unique_ptr<chain> next;
  bool operator==(chain const& other) const {
    return number == other.number && (next && other.next ? *next == *other.next : !next && !other.next);
  }
};
struct drawing {
  std::string name;
  std::vector<point> corners;
  std::map<std::string, std::vector<int>> tags;
  std::optional<shade> tone;
  std::variant<int, std::string> id;
  std::array<pixel, 2> pixels;
  std::chrono::milliseconds age{};
  bool operator==(drawing const&) const = default;
};
class account {
 public:
  account() = default;
  explicit account(int cents) : cents_(cents) {}
  bool operator==(account const&) const = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & cents_ & owner_;
  }

 private:
  int cents_ = 0;
  std::string owner_ = "somebody";
};
/// Made of its members only.
struct number {
  explicit number(int n) : value(n) {}
  int value;
  bool operator==(number const&) const = default;
};
struct named_number {
  std::string name;
  number what;
  bool operator==(named_number const&) const = default;
};
class word_list : public std::vector<std::string> {
 public:
  using std::vector<std::string>::vector;
};

template <class T>
bool equal(T const& a, T const& b) {
  return a == b;
}
template <class T>
bool equal(std::unique_ptr<T> const& a, std::unique_ptr<T> const& b) {
  return a && b ? *a == *b : !a && !b;
}
template <class T>
bool equal(std::shared_ptr<T> const& a, std::shared_ptr<T> const& b) {
  return a && b ? *a == *b : !a && !b;
}

}  // namespace golden

namespace procx::inline v1 {

template <>
inline constexpr bool send_as_range<golden::word_list> = true;
template <>
struct codec<golden::number> {
  static constexpr std::uint64_t tag = 1;
  template <class Archive>
  static void save(Archive& out, golden::number const& value) {
    out << value.value;
  }
  template <class Archive>
  static golden::number make(Archive& in) {
    int value = 0;
    in >> value;
    return golden::number(value);
  }
};

}  // namespace procx::inline v1

namespace golden {

/// Calls `use(name, value)` for each.
template <class Use>
void for_each(Use use) {
  using namespace std::chrono;
  use("bool", true);
  use("char", 'x');
  use("signed_char", static_cast<signed char>(-2));
  use("unsigned_short", static_cast<unsigned short>(0x1234));
  use("int", -2);
  use("unsigned_long_long", 0x0123456789abcdefULL);
  use("long_long", -3LL);
  use("float", 1.5F);
  use("double", -0.25);
  use("char16", u'\u20ac');
  use("enum_class", shade::dark);
  use("enum_plain", second_of_all);
  use("monostate", std::monostate());
  use("string", std::string("words"));
  use("u16string", std::u16string(u"\u20ac1"));
  use("path", std::filesystem::path("/tmp/here"));
  use("vector_of_bytes", std::vector<unsigned char>{1, 2, 3});
  use("vector_of_bools", std::vector<bool>{true, false, true});
  use("vector_of_strings", std::vector<std::string>{"a", "", "bcd"});
  use("vector_of_pixels", std::vector<pixel>{{'r', 1}, {'s', -1}});
  use("vector_of_nothing", std::vector<std::tuple<>>(3));
  use("array", std::array<int, 3>{1, 2, 3});
  use("bitset", std::bitset<11>(0b10000000101));
  use("complex", std::complex<double>(1, -2));
  use("duration", milliseconds(1500));
  use("time_point", time_point<system_clock, seconds>(seconds(1'000'000'000)));
  use("error_code", std::make_error_code(std::errc::timed_out));
  use("boost_error_code", boost::system::error_code(2, boost::system::system_category()));
  use("pair", std::pair<char, int>('p', 7));
  use("tuple", std::tuple<int, std::string, bool>(1, "two", true));
  use("tuple_of_nothing", std::tuple<>());
  use("optional", std::optional<int>(5));
  use("optional_empty", std::optional<std::string>());
  use("variant", std::variant<int, std::string, double>("text"));
  use("unique_ptr", std::make_unique<point>(point{1, 2}));
  use("shared_ptr_null", std::shared_ptr<point>());
  use("deque", std::deque<short>{1, 2});
  use("list", std::list<std::string>{"l"});
  use("forward_list", std::forward_list<int>{3, 2, 1});
  use("set", std::set<int>{3, 1, 2});
  use("map", std::map<std::string, int>{{"one", 1}, {"two", 2}});
  use("multimap", std::multimap<int, char>{{1, 'a'}, {1, 'b'}});
  use("unordered_map", std::unordered_map<int, int>{{4, 5}});
  use("flat_map", boost::container::flat_map<int, std::string>{{1, "x"}});
  use("small_vector", boost::container::small_vector<int, 4>{1, 2});
  use("circular_buffer", [] {
    boost::circular_buffer<int> ring(4);
    for (int i = 0; i < 6; ++i) ring.push_back(i);
    return ring;
  }());
  use("struct_with_a_hole", pixel{'p', 4});
  use("struct_with_arrays", grid{{{1, 2, 3}, {4, 5, 6}}, true});
  use("struct_of_many", drawing{"kite", {{1, 2}, {3, 4}}, {{"a", {1, 2}}}, shade::dark, "k1", {{{1, 2}, {3, 4}}}, milliseconds(7)});
  use("struct_without_default", named_number{"n", number(6)});
  use("struct_that_recurs", tree{"root", {{"leaf", {}}, {"twig", {{"leaf", {}}}}}});
  use("struct_that_owns_itself", [] {
    chain first{1, nullptr};
    first.next = std::make_unique<chain>(chain{2, nullptr});
    return first;
  }());
  use("class_with_serialize", account(250));
  use("class_with_codec", number(9));
  use("class_as_range", word_list{"w", "x"});
}

}  // namespace golden
