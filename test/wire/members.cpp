#define BOOST_TEST_MODULE members

#include <procx/wire/portable.hpp>

#include <boost/test/unit_test.hpp>

#include <any>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace detail = procx::detail;
using detail::member_count;

namespace {

struct one {
  int a;
};
struct nested {
  one first;
  std::pair<int, one> second;
  one third[2];
};
struct with_arrays {
  char name[32];
  int cells[3][4];
  std::string words[2];
  double last;
};
struct large {
  char bytes[5 << 20];
  int number;
  std::string text;
};
struct hundred {
  int m0[3], m1, m2, m3, m4, m5, m6, m7, m8, m9;
  int m10, m11, m12, m13, m14, m15, m16, m17, m18, m19;
  int m20, m21, m22, m23, m24, m25, m26, m27, m28, m29;
  int m30, m31, m32, m33, m34, m35, m36, m37, m38, m39;
  int m40, m41, m42, m43, m44, m45, m46, m47, m48, m49;
  int m50, m51, m52, m53, m54, m55, m56, m57, m58, m59;
  int m60, m61, m62, m63, m64, m65, m66, m67, m68, m69;
  int m70, m71, m72, m73, m74, m75, m76, m77, m78, m79;
  int m80, m81, m82, m83, m84, m85, m86, m87, m88, m89;
  int m90, m91, m92, m93, m94, m95, m96, m97, m98;
  std::string m99;
};
struct hundred_and_one {
  hundred first;  // counts as one
  int m1, m2, m3, m4, m5, m6, m7, m8, m9;
  int m10, m11, m12, m13, m14, m15, m16, m17, m18, m19;
  int m20, m21, m22, m23, m24, m25, m26, m27, m28, m29;
  int m30, m31, m32, m33, m34, m35, m36, m37, m38, m39;
  int m40, m41, m42, m43, m44, m45, m46, m47, m48, m49;
  int m50, m51, m52, m53, m54, m55, m56, m57, m58, m59;
  int m60, m61, m62, m63, m64, m65, m66, m67, m68, m69;
  int m70, m71, m72, m73, m74, m75, m76, m77, m78, m79;
  int m80, m81, m82, m83, m84, m85, m86, m87, m88, m89;
  int m90, m91, m92, m93, m94, m95, m96, m97, m98, m99;
  int m100;
};
struct empty {};
struct with_empty {
  empty nothing;
  int number;
  [[no_unique_address]] empty no_place;
};
struct without_default {
  explicit without_default(int n) : number(n) {}
  int number;
};
class constructed {
 public:
  explicit constructed(int n) : number(n) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & more;
  }
  int number, more = 0;
};
struct with_initializers {
  constructed first{1};
  std::pair<constructed, int> second{constructed(2), 3};
};
struct of_those {
  std::string name;
  without_default first, second;
};
struct with_const {
  int const fixed = 3;
  std::string const text;
  int free = 0;
};
struct tree {
  int number;
  std::vector<tree> branches;
  std::unique_ptr<tree> other;
};
struct base {
  int number;
};
struct derived : base {
  int more;
};
struct with_any {
  std::any first;
  int second;
};
struct takes_all {
  takes_all() = default;
  template <class T>
  explicit(false) takes_all(T&&) {}
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};
struct with_takes_all {
  takes_all first;
  int second;
};
struct with_mutex {
  std::mutex mutex;
  int number;
};
struct with_lock {
  int number;
  std::lock_guard<std::mutex> lock;
};
struct with_reference {
  int number;
  int& other;
};
struct with_const_reference {
  std::string const& text;
};
struct only_moved_with_reference {
  std::unique_ptr<int> owned;
  int& other;
};
struct with_bits {
  unsigned a : 3;
  unsigned b : 5;
};
struct with_function {
  int number;
  int (*function)(int);
};
template <class F>
struct with_lambda {
  int number;
  F lambda;
};
template <class F>
with_lambda(int, F) -> with_lambda<F>;

template <class T>
T sent_natively(T const& value) {
  detail::buffer bytes;
  procx::encode(bytes, value);
  return procx::decode<T>(bytes.bytes());
}
template <class T>
T sent_portably(T const& value) {
  return procx::decode_portable<T>(procx::encode_portable(value));
}

}  // namespace

namespace boost::serialization {
template <class Archive>
void save_construct_data(Archive& archive, constructed const* object, unsigned) {
  archive << object->number;
}
template <class Archive>
void load_construct_data(Archive& archive, constructed* place, unsigned) {
  int number = 0;
  archive >> number;
  ::new (static_cast<void*>(place)) constructed(number);
}
}  // namespace boost::serialization

namespace procx::inline v1 {
template <>
struct codec<without_default> {
  template <class Archive>
  static void save(Archive& out, without_default const& value) {
    out << value.number;
  }
  template <class Archive>
  static without_default make(Archive& in) {
    int number = 0;
    in >> number;
    return without_default(number);
  }
};
}  // namespace procx::inline v1

BOOST_AUTO_TEST_SUITE(counting)

BOOST_AUTO_TEST_CASE(an_array_is_one_member_however_large) {
  static_assert(member_count<one> == 1 && member_count<nested> == 3);
  static_assert(member_count<with_arrays> == 4 && member_count<large> == 3);
  static_assert(std::is_same_v<detail::members_of<with_arrays>, detail::type_list<char[32], int[3][4], std::string[2], double>>);
  BOOST_TEST(detail::is_encodable<large>);
}

BOOST_AUTO_TEST_CASE(a_hundred_are_sent_and_one_more_is_refused) {
  static_assert(member_count<hundred> == 100 && detail::is_encodable<hundred>);
  static_assert(!detail::shows_members<hundred_and_one>);
  BOOST_TEST(!detail::is_encodable<hundred_and_one>);
}

BOOST_AUTO_TEST_CASE(members_that_are_empty_or_cannot_be_made_of_nothing_count) {
  static_assert(member_count<with_empty> == 3);
  static_assert(member_count<of_those> == 3 && detail::is_encodable<of_those>);
  static_assert(member_count<with_const> == 3);
  static_assert(std::is_same_v<detail::members_of<with_const>, detail::type_list<int const, std::string const, int>>);
  static_assert(member_count<with_mutex> == 2);
  BOOST_TEST(!detail::is_encodable<with_mutex>);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_counted_is_refused) {
  static_assert(!detail::is_encodable<only_moved_with_reference>);
  BOOST_TEST(!detail::is_encodable<with_lock>);
}

BOOST_AUTO_TEST_CASE(a_base_class_is_seen_and_nothing_else_taken_for_one) {
  static_assert(detail::has_base<derived> && !detail::is_encodable<derived>);
  static_assert(!detail::has_base<with_any> && !detail::has_base<with_takes_all>);
  static_assert(member_count<with_any> == 2 && member_count<with_takes_all> == 2);
  BOOST_TEST(detail::is_encodable<with_takes_all>);
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE(what_only_points)

BOOST_AUTO_TEST_CASE(a_reference_is_not_taken_for_what_it_refers_to) {
  static_assert(std::is_same_v<detail::members_of<with_reference>, detail::type_list<int, int&>>);
  static_assert(std::is_same_v<detail::members_of<with_const_reference>, detail::type_list<std::string const&>>);
  BOOST_TEST((!detail::is_encodable<with_reference> && !detail::is_encodable<with_const_reference>));
}

BOOST_AUTO_TEST_CASE(functions_and_lambdas_with_captures_are_refused_as_members) {
  long number = 0;
  with_lambda const captures{1, [&number] { return number; }};
  with_lambda const values{1, [number] { return number; }};
  BOOST_TEST(!detail::is_encodable<with_function>);
  BOOST_TEST(!detail::is_encodable<std::remove_const_t<decltype(captures)>>);
  BOOST_TEST(!detail::is_encodable<std::remove_const_t<decltype(values)>>);
}

BOOST_AUTO_TEST_CASE(bit_fields_have_no_address) {
  static_assert(member_count<with_bits> == 2 && detail::has_bit_fields<with_bits>);
  BOOST_TEST(!detail::is_encodable<with_bits>);
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE(round_trips)

BOOST_AUTO_TEST_CASE(arrays) {
  with_arrays value{"name", {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}, {"one", "two"}, 0.5};
  for (with_arrays const& again : {sent_natively(value), sent_portably(value)}) {
    BOOST_TEST(std::string(again.name) == "name");
    BOOST_TEST(again.cells[2][3] == 12);
    BOOST_TEST(again.words[1] == "two");
    BOOST_TEST(again.last == 0.5);
  }
}

BOOST_AUTO_TEST_CASE(a_hundred_members) {
  hundred value{};
  value.m0[2] = 1, value.m98 = 2, value.m99 = "last";
  hundred const again = sent_portably(value);
  BOOST_TEST((again.m0[2] == 1 && again.m98 == 2 && again.m99 == "last"));
}

BOOST_AUTO_TEST_CASE(members_without_default_constructor) {
  of_those const value{"name", without_default(1), without_default(2)};
  for (of_those const& again : {sent_natively(value), sent_portably(value)})
    BOOST_TEST((again.name == "name" && again.first.number == 1 && again.second.number == 2));
}

BOOST_AUTO_TEST_CASE(members_that_were_made_of_something_already) {
  with_initializers value;
  value.first.number = 5, value.second.first.more = 6;
  for (with_initializers const& again : {sent_natively(value), sent_portably(value)})
    BOOST_TEST((again.first.number == 5 && again.second.first.number == 2 && again.second.first.more == 6 && again.second.second == 3));
}

BOOST_AUTO_TEST_CASE(const_members) {
  with_const const again = sent_portably(with_const{4, "t", 5});
  BOOST_TEST((again.fixed == 4 && again.text == "t" && again.free == 5));
}

BOOST_AUTO_TEST_CASE(a_struct_that_holds_itself) {
  tree value{1, {}, std::make_unique<tree>()};
  value.branches.resize(2);
  value.branches[1].number = 7;
  value.other->number = 8;
  tree const again = procx::decode_portable<tree>(procx::encode_portable(value));
  BOOST_TEST((again.number == 1 && again.branches.at(1).number == 7 && again.other->number == 8));
}

BOOST_AUTO_TEST_CASE(empty_members_take_a_byte_and_no_more) {
  BOOST_TEST(procx::encode_portable(with_empty{{}, 5, {}}).size() == 6u);
  BOOST_TEST(sent_portably(with_empty{{}, 5, {}}).number == 5);
}

BOOST_AUTO_TEST_SUITE_END()
