#define BOOST_TEST_MODULE archive
#include <boost/test/unit_test.hpp>

#include <procx/wire/codec.hpp>

#include "support/bytes.hpp"

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/serialization/vector.hpp> // before priority_queue.hpp, which relies on it
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/priority_queue.hpp>
#include <boost/serialization/queue.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/stack.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/serialization/variant.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>

namespace bs = boost::serialization;

// Types as users of Boost.Serialization write them.
namespace users {

struct point {
  int x = 0, y = 0;
  std::string name;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & x & y & name;
  }
  bool operator==(point const&) const = default;
};

struct named_pair {
  int first = 0;
  std::vector<double> second;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & BOOST_SERIALIZATION_NVP(first) & bs::make_nvp("values", second);
  }
  bool operator==(named_pair const&) const = default;
};

class account {
 public:
  account() = default;
  explicit account(std::string owner) : owner_(std::move(owner)), length_(owner_.size()) {}
  bool operator==(account const&) const = default;

 private:
  friend class bs::access;
  template <class Archive>
  void save(Archive& archive, unsigned) const {
    archive << owner_;
  }
  template <class Archive>
  void load(Archive& archive, unsigned) {
    archive >> owner_;
    length_ = owner_.size();
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()

  std::string owner_;
  std::size_t length_ = 0;
};

struct free_standing {
  std::string text;
  bool operator==(free_standing const&) const = default;
};
template <class Archive>
void serialize(Archive& archive, free_standing& f, unsigned) {
  archive & f.text;
}

struct split_outside {
  std::string text;
};

struct derived : point {
  long z = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & bs::base_object<point>(*this) & z;
  }
  bool operator==(derived const&) const = default;
};

struct versioned {
  unsigned seen = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned version) {
    archive & seen;
    if (Archive::is_loading::value) seen = version;
  }
};

class sealed {
 public:
  explicit sealed(int n) : n_(n) {}
  int n() const { return n_; }
  std::string note;
  bool operator==(sealed const&) const = default;

 private:
  friend class bs::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & note;
  }
  int n_;
};

struct plain {
  int a;
  double b;
  bool operator==(plain const&) const = default;
};

struct fixed {
  explicit fixed(int v) : value(v) {}
  int value;
  bool operator==(fixed const&) const = default;
};

struct arrays {
  int numbers[3] = {};
  std::string words[2];
  double grid[2][2] = {};
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & numbers & words & grid;
  }
};

struct empty {};

struct on_an_empty_base : empty {
  std::string text;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & text & bs::base_object<empty>(*this);
  }
};

struct wrapped {
  std::vector<int> counted;
  int block[2] = {};
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    bs::collection_size_type n(counted.size());
    archive & n;
    counted.resize(n);
    archive & bs::make_array(counted.data(), counted.size());
    archive & bs::make_binary_object(block, sizeof block);
  }
};

// Three that could be copied as bytes, if their writers had not said otherwise.
struct doubling {
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & value;
    if (Archive::is_loading::value) value *= 2;
  }
};
class secretive {
 public:
  int value = 0;
  int const* cache = nullptr;

 private:
  friend class bs::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & value;
  }
};
struct foreign {
  int value = 0;
  int const* cache = nullptr;
};

struct with_other_serialize {
  int value = 0;
  std::string serialize() const { return std::to_string(value); }
};

class table : public std::vector<int> {
 public:
  std::string title;

 private:
  friend class bs::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & bs::base_object<std::vector<int>>(*this) & title;
  }
};

/// Serialized by a function that is elsewhere.
struct labelled : std::vector<int> {
  std::string label;
};

enum class colour : std::uint8_t { red, green = 200 };

}  // namespace users

BOOST_CLASS_VERSION(users::versioned, 7)

namespace boost::serialization {

template <class Archive>
void save(Archive& archive, users::split_outside const& s, unsigned) {
  archive << s.text;
}
template <class Archive>
void load(Archive& archive, users::split_outside& s, unsigned) {
  archive >> s.text;
  s.text += '!';
}

template <class Archive>
void serialize(Archive& archive, users::labelled& l, unsigned) {
  archive & base_object<std::vector<int>>(l) & l.label;
}

template <class Archive>
void serialize(Archive& archive, users::foreign& f, unsigned) {
  archive & f.value;
}

template <class Archive>
void save_construct_data(Archive& archive, users::sealed const* s, unsigned) {
  int const n = s->n();
  archive << n;
}
template <class Archive>
void load_construct_data(Archive& archive, users::sealed* s, unsigned) {
  int n = 0;
  archive >> n;
  ::new (s) users::sealed(n);
}

}  // namespace boost::serialization
BOOST_SERIALIZATION_SPLIT_FREE(users::split_outside)

namespace {

template <class T>
bool survives(T const& value) {
  return round_trip(value) == value;
}

users::sealed sealed_with(int n, std::string note) {
  users::sealed s(n);
  s.note = std::move(note);
  return s;
}

std::string const binary("\0\xff\n", 3);

}  // namespace

BOOST_AUTO_TEST_SUITE(archive)

BOOST_AUTO_TEST_CASE(numbers_keep_every_bit) {
  BOOST_TEST(survives(std::numeric_limits<std::int64_t>::min()));
  BOOST_TEST(survives(std::numeric_limits<std::uint64_t>::max()));
  BOOST_TEST(survives('\xff'));
  BOOST_TEST(survives(u'\uffff'));
  BOOST_TEST(survives(std::numeric_limits<float>::denorm_min()));
  BOOST_TEST(survives(1.0L / 3));
  BOOST_TEST(std::signbit(round_trip(-0.0)));
  BOOST_TEST(std::isnan(round_trip(std::nan(""))));
  BOOST_TEST(survives(true));
  BOOST_TEST(survives(false));
  BOOST_TEST(bool(round_trip(users::colour::green) == users::colour::green));
}

BOOST_AUTO_TEST_CASE(strings_may_hold_anything) {
  BOOST_TEST(survives(std::string()));
  BOOST_TEST(survives(binary));
  BOOST_TEST(survives(std::string(100'000, 'x')));
  BOOST_TEST(survives(std::wstring(L"\u00e4\u20ac")));
  BOOST_TEST(survives(std::u16string(u"\u20ac")));
}

BOOST_AUTO_TEST_CASE(sequences_arrive_in_their_order) {
  BOOST_TEST(survives(std::vector<int>{}));
  BOOST_TEST(survives(std::vector<int>{3, 1, 2}));
  BOOST_TEST(survives(std::vector<bool>{true, false, true}));
  BOOST_TEST(survives(std::vector<std::string>{"a", "", binary}));
  BOOST_TEST(survives(std::vector<std::vector<double>>{{1.5}, {}, {2, 3}}));
  BOOST_TEST(survives(std::vector<users::plain>{{1, 2}, {3, 4}}));
  BOOST_TEST(survives(std::vector<users::fixed>{users::fixed(1), users::fixed(2)}));
  BOOST_TEST(survives(std::list<int>{3, 1, 2}));
  BOOST_TEST(survives(std::deque<std::string>{"b", "a"}));
  BOOST_TEST(survives(std::array<int, 3>{1, 2, 3}));
  BOOST_TEST(survives(std::array<std::string, 2>{"x", "y"}));
  BOOST_TEST(survives(std::array<int, 0>{}));
}

BOOST_AUTO_TEST_CASE(a_vector_of_numbers_is_read_wherever_it_lies) {
  BOOST_TEST(survives(std::tuple<char, std::vector<double>>('x', {1, 2, 3})));
  BOOST_TEST(survives(std::tuple<char, std::vector<users::fixed>>('x', {users::fixed(1)})));
}

BOOST_AUTO_TEST_CASE(sets_and_maps_arrive_whole) {
  BOOST_TEST(survives(std::set<int>{3, 1, 2}));
  BOOST_TEST(survives(std::multiset<int>{1, 1, 2}));
  BOOST_TEST(survives(std::unordered_set<std::string>{"a", "b"}));
  BOOST_TEST(survives(std::unordered_multiset<int>{1, 1}));
  BOOST_TEST(survives(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}}));
  BOOST_TEST(survives(std::multimap<int, int>{{1, 2}, {1, 1}}));
  BOOST_TEST(survives(std::unordered_map<int, std::string>{{1, "x"}, {2, "y"}}));
  BOOST_TEST(survives(std::unordered_multimap<int, int>{{1, 2}, {1, 2}}));
  BOOST_TEST(survives(std::set<int, std::greater<>>{3, 1, 2}));
}

BOOST_AUTO_TEST_CASE(pairs_tuples_and_choices_arrive_as_they_were) {
  BOOST_TEST(survives(std::pair(1, std::string("x"))));
  BOOST_TEST(survives(std::tuple<>()));
  BOOST_TEST(survives(std::tuple(1, std::string("x"), std::tuple(2.0))));
  BOOST_TEST(survives(std::optional<std::string>()));
  BOOST_TEST(survives(std::optional<std::string>("x")));
  BOOST_TEST(survives(std::optional<std::optional<int>>(std::optional<int>())));
  using choice = std::variant<std::monostate, int, std::string, int>;
  BOOST_TEST(survives(choice()));
  BOOST_TEST(survives(choice(std::in_place_index<3>, 5)));
  BOOST_TEST(survives(choice("x")));
  BOOST_TEST(survives(std::monostate()));
}

BOOST_AUTO_TEST_CASE(what_a_smart_pointer_owns_arrives_as_an_object_of_its_own) {
  BOOST_TEST(*round_trip(std::make_unique<std::string>("x")) == "x");
  BOOST_TEST(!round_trip(std::unique_ptr<int>()));
  BOOST_TEST(*round_trip(std::make_shared<int const>(4)) == 4);
  BOOST_TEST(round_trip(std::make_shared<users::sealed>(4))->n() == 4);
  auto const shared = std::make_shared<int>(1);
  auto const both = round_trip(std::pair(shared, shared));
  BOOST_TEST(*both.first == *both.second);
  BOOST_TEST(both.first.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(times_paths_numbers_of_two_parts_and_bits_survive) {
  using namespace std::chrono_literals;
  BOOST_TEST(bool(round_trip(5ms) == 5ms));
  BOOST_TEST(bool(round_trip(std::chrono::duration<double>(0.5)) == 500ms));
  auto const now = std::chrono::system_clock::now();
  BOOST_TEST(bool(round_trip(now) == now));
  auto const tick = std::chrono::steady_clock::now();
  BOOST_TEST(bool(round_trip(tick) == tick));
  BOOST_TEST(survives(std::filesystem::path("/a/b c/\xff")));
  BOOST_TEST(survives(std::filesystem::path()));
  BOOST_TEST(survives(std::complex<double>(1, -2)));
  BOOST_TEST(survives(std::vector<std::complex<float>>{{1, 2}, {3, 4}}));
  BOOST_TEST(survives(std::bitset<3>("101")));
  BOOST_TEST(survives(std::bitset<130>().set(129)));
  BOOST_TEST(survives(std::bitset<64>().set()));
}

BOOST_AUTO_TEST_CASE(values_nest_in_each_other) {
  using inner = std::optional<std::variant<std::string, std::vector<std::pair<int, std::filesystem::path>>>>;
  std::map<std::string, std::list<std::tuple<int, inner>>> value;
  value["a"].emplace_back(1, std::string("x"));
  value["a"].emplace_back(2, std::vector<std::pair<int, std::filesystem::path>>{{1, "/p"}});
  value["b"].emplace_back(3, std::nullopt);
  BOOST_TEST(survives(value));
}

BOOST_AUTO_TEST_CASE(serialize_works_as_it_was_written_for_boost) {
  BOOST_TEST(survives(users::point{1, 2, "p"}));
  BOOST_TEST(survives(users::named_pair{1, {2, 3}}));
  BOOST_TEST(survives(users::account("me")));
  BOOST_TEST(survives(users::free_standing{"x"}));
  BOOST_TEST(round_trip(users::split_outside{"x"}).text == "x!");
  BOOST_TEST(survives(users::derived{{1, 2, "p"}, 3}));
  BOOST_TEST(survives(std::vector<users::derived>{{{1, 2, "p"}, 3}, {}}));
  BOOST_TEST(survives(std::map<int, users::account>{{1, users::account("me")}}));
}

BOOST_AUTO_TEST_CASE(serialize_is_told_the_version_of_its_class) { BOOST_TEST(round_trip(users::versioned()).seen == 7u); }

BOOST_AUTO_TEST_CASE(a_class_without_default_constructor_is_made_by_load_construct_data) {
  auto const s = sealed_with(7, "note");
  BOOST_TEST(survives(s));
  BOOST_TEST(survives(std::vector{s, s}));
  BOOST_TEST(survives(std::list{s}));
  BOOST_TEST(survives(std::map<int, users::sealed>{{1, s}}));
  BOOST_TEST(survives(std::pair(s, 1)));
  BOOST_TEST(survives(std::array{s, s}));
  BOOST_TEST(survives(std::optional(s)));
  BOOST_TEST(survives(std::variant<users::sealed, int>(s)));
}

BOOST_AUTO_TEST_CASE(arrays_and_blocks_that_serialize_mentions_arrive) {
  users::arrays a;
  a.numbers[2] = 5;
  a.words[1] = "x";
  a.grid[1][0] = 2;
  auto const b = round_trip(a);
  BOOST_TEST(b.numbers[2] == 5);
  BOOST_TEST(b.words[1] == "x");
  BOOST_TEST(b.grid[1][0] == 2);

  users::wrapped w{{1, 2, 3}, {4, 5}};
  auto const v = round_trip(w);
  BOOST_TEST(v.counted == w.counted);
  BOOST_TEST(v.block[1] == 5);
}

BOOST_AUTO_TEST_CASE(an_empty_base_does_not_write_over_the_member_that_shares_its_place) {
  users::on_an_empty_base value;
  value.text = "short";
  BOOST_TEST(round_trip(value).text == "short");
  BOOST_TEST(round_trip(std::vector<users::empty>(3)).size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_serialize_is_used_even_where_the_bytes_could_be_copied) {
  BOOST_TEST(round_trip(users::doubling{4}).value == 8);
  int const here = 0;
  users::secretive s;
  s.value = 4;
  s.cache = &here;
  BOOST_TEST(round_trip(s).value == 4);
  BOOST_TEST(!round_trip(s).cache);
  BOOST_TEST(round_trip(users::foreign{4, &here}).value == 4);
  BOOST_TEST(!round_trip(users::foreign{4, &here}).cache);
  BOOST_TEST(round_trip(users::with_other_serialize{4}).value == 4);
}

BOOST_AUTO_TEST_CASE(a_container_with_a_serialize_of_its_own_loses_nothing) {
  users::table t;
  t.title = "t";
  t.push_back(1);
  auto const back = round_trip(t);
  BOOST_TEST(back.title == "t");
  BOOST_TEST(back.at(0) == 1);
}

BOOST_AUTO_TEST_CASE(boosts_own_headers_serve_the_types_that_need_them) {
  std::queue<int> q;
  q.push(1), q.push(2);
  BOOST_TEST(survives(q));
  std::stack<std::string> s;
  s.push("x");
  BOOST_TEST(survives(s));
  std::priority_queue<int> p;
  p.push(1), p.push(3);
  BOOST_TEST(round_trip(p).top() == 3);
  BOOST_TEST(survives(std::forward_list<int>{1, 2, 3}));
  std::valarray<int> const v{1, 2, 3};
  BOOST_TEST((round_trip(v) == v).min());
  BOOST_TEST(survives(boost::optional<std::string>("x")));
  BOOST_TEST(survives(boost::optional<std::string>()));
  using choice = boost::variant<int, std::string>;
  BOOST_TEST(survives(choice("x")));
  BOOST_TEST(survives(choice(3)));
}

BOOST_AUTO_TEST_CASE(boosts_containers_travel_like_the_standard_ones) {
  BOOST_TEST(survives(boost::container::vector<int>{1, 2}));
  BOOST_TEST(survives(boost::container::small_vector<std::string, 2>{"a", "b", "c"}));
  BOOST_TEST(survives(boost::container::flat_map<int, std::string>{{1, "x"}}));
  BOOST_TEST(survives(boost::container::string("abc")));
}

BOOST_AUTO_TEST_CASE(the_layout_is_the_documented_one) {
  BOOST_TEST(bool(encoded(std::uint16_t{0x0201}) == raw({1, 2})));
  BOOST_TEST(bool(encoded(std::string("ab")) == raw({2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'})));
  BOOST_TEST(bool(encoded(std::vector<std::uint16_t>{7}) == raw({1, 0, 0, 0, 0, 0, 0, 0, 7, 0})));
  BOOST_TEST(bool(encoded(std::optional<char>('a')) == raw({1, 'a'})));
  BOOST_TEST(bool(encoded(std::variant<char, bool>(true)) == raw({1, 0, 0, 0, 1})));
  BOOST_TEST(bool(encoded(std::tuple<char, bool>('a', true)) == raw({'a', 1})));
  BOOST_TEST(encoded(std::vector<std::tuple<>>(3)).size() == 8u + 3);  // never fewer bytes than elements
}

BOOST_AUTO_TEST_CASE(a_container_with_a_function_of_its_own_is_more_than_a_container) {
  users::labelled before;
  before.assign({1, 2, 3});
  before.label = "numbers";
  auto const after = round_trip(before);
  BOOST_TEST(after == before, boost::test_tools::per_element());
  BOOST_TEST(after.label == "numbers");
}

BOOST_AUTO_TEST_SUITE_END()
