#define BOOST_TEST_MODULE what_travels
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/archive/basic_archive.hpp>
#include <boost/circular_buffer.hpp>
#include <boost/container/deque.hpp>
#include <boost/container/devector.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/ptree_serialization.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/unordered_map.hpp>

#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace px = procx;
namespace bc = boost::container;

namespace {

/// Orders numbers by their distance from a middle that differs between objects.
struct by_distance {
  int middle = 0;
  bool operator()(int a, int b) const { return std::abs(a - middle) < std::abs(b - middle); }
};
struct seeded_hash {
  std::size_t seed = 0;
  std::size_t operator()(int n) const { return static_cast<std::size_t>(n) * 31 + seed; }
};
struct equal_modulo {
  int modulus = 1000;
  bool operator()(int a, int b) const { return a % modulus == b % modulus; }
};

enum class level : short { low = -1, high = 300 };
struct point {
  char tag = 0;
  double x = 0, y = 0;
  bool operator==(point const&) const = default;
};
struct inner {
  point at;
  std::vector<std::map<std::string, std::optional<level>>> levels;
  std::string words[2];
  bool operator==(inner const&) const = default;
};

struct of_std {
  bool flag = true;
  px::detail::int128 wide = 0;
  long double precise = 0;
  level how = level::high;
  std::string text;
  std::wstring wide_text;
  std::u32string points;
  std::vector<bool> bits;
  std::vector<std::wstring> many_wide;
  std::pair<int const, std::string> fixed_key;
  std::tuple<int const, std::string> fixed_first;
  std::optional<int const> maybe_fixed;
  std::variant<std::monostate, int, std::string> one_of;
  std::deque<point> points_apart;
  std::list<inner> inners;
  std::forward_list<int> forward;
  std::set<std::string> names;
  std::multimap<int, std::string, by_distance> by_middle;
  std::unordered_map<int, std::string, seeded_hash, equal_modulo> hashed;
  std::unordered_multiset<int, seeded_hash> bag;
  std::array<std::string, 3> three;
  std::chrono::system_clock::time_point when;
  std::filesystem::path where;
  std::error_code error;
  boost::system::error_code boost_error;
};
struct of_boost {
  boost::property_tree::ptree tree;
  boost::circular_buffer<std::string> ring;
  bc::flat_map<int, std::string, by_distance> flat;
  bc::flat_multiset<int> flat_bag;
  bc::map<std::string, int> map;
  bc::vector<point> vector;
  bc::small_vector<std::string, 2> small;
  bc::static_vector<int, 4> fixed;
  bc::stable_vector<int> stable;
  bc::deque<int> deque;
  bc::devector<int> devector;
  bc::list<int> list;
  bc::slist<int> slist;
  bc::string text;
  boost::unordered_map<int, int, seeded_hash> hashed;
};

of_std some_of_std() {
  of_std v;
  v.wide = static_cast<px::detail::int128>(1) << 100;
  v.precise = 1.0L / 3;
  v.how = level::low;
  v.text = "text";
  for (std::size_t n : {8191u, 8192u, 8193u}) v.many_wide.emplace_back(n, L'\u20ac');  // about 32 KiB
  v.wide_text = v.many_wide[1];
  v.points = U"\U0001F600";
  v.bits = {true, false, true};
  v.one_of = "one";
  v.points_apart = {{'a', 1, -0.0}, {'b', std::numeric_limits<double>::infinity(), 2}};
  v.inners = {{{'c', 1, 2}, {{{"x", level::low}, {"y", std::nullopt}}}, {"w", ""}}};
  v.forward = {3, 1, 2};
  v.names = {"b", "a"};
  v.by_middle = std::multimap<int, std::string, by_distance>({{1, "one"}, {9, "nine"}, {9, "again"}}, by_distance{10});
  v.hashed = std::unordered_map<int, std::string, seeded_hash, equal_modulo>({{3, "three"}}, 0, seeded_hash{7}, equal_modulo{10});
  v.bag = std::unordered_multiset<int, seeded_hash>({1, 1, 2}, 0, seeded_hash{8});
  v.three = {"1", "2", "3"};
  v.when = std::chrono::system_clock::time_point(std::chrono::nanoseconds(12345));
  v.where = "/tmp/x";
  v.error = std::make_error_code(std::errc::timed_out);
  v.boost_error = boost::asio::error::eof;
  return v;
}
of_boost some_of_boost() {
  of_boost v;
  v.tree.put("a.b", "leaf");
  v.tree.put("a.c", 3);
  v.ring.set_capacity(3);
  for (char const* s : {"1", "2", "3", "4"}) v.ring.push_back(s);
  v.flat = bc::flat_map<int, std::string, by_distance>({{1, "one"}, {9, "nine"}}, by_distance{10});
  v.flat_bag = {2, 1, 2};
  v.map = {{"k", 1}};
  v.vector = {{'v', 1, 2}};
  v.small = {"a", "b", "c"};
  v.fixed = {1, 2};
  v.stable = {3, 4};
  v.deque = {5, 6};
  v.devector = {7};
  v.list = {8};
  v.slist = {9, 10};
  v.text = "text";
  v.hashed = boost::unordered_map<int, int, seeded_hash>(0, seeded_hash{9});
  v.hashed[1] = 2;
  return v;
}

template <class A, class B>
bool same_elements(A const& a, B const& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}
void check(of_std const& got) {
  of_std const sent = some_of_std();
  BOOST_TEST((got.flag && got.wide == sent.wide && got.precise == sent.precise && got.how == sent.how));
  BOOST_TEST((got.text == sent.text && got.wide_text == sent.wide_text && got.points == sent.points));
  BOOST_TEST((got.bits == sent.bits && got.many_wide == sent.many_wide));
  BOOST_TEST((got.fixed_key == sent.fixed_key && got.fixed_first == sent.fixed_first && got.maybe_fixed == sent.maybe_fixed));
  BOOST_TEST((got.one_of == sent.one_of && got.points_apart == sent.points_apart && got.inners == sent.inners));
  BOOST_TEST((std::signbit(got.points_apart.at(0).y) && got.forward == sent.forward && got.names == sent.names));
  BOOST_TEST((same_elements(got.by_middle, sent.by_middle) && got.by_middle.key_comp().middle == 10));
  BOOST_TEST((got.hashed.hash_function().seed == 7u && got.hashed.key_eq().modulus == 10 && got.hashed.count(3) == 1u));
  BOOST_TEST((got.bag.hash_function().seed == 8u && got.bag.count(1) == 2u));
  BOOST_TEST((got.three == sent.three && got.when == sent.when && got.where == sent.where));
  BOOST_TEST((got.error == sent.error && got.error == std::errc::timed_out));
  BOOST_TEST(got.boost_error == boost::asio::error::eof);
}
void check(of_boost const& got) {
  of_boost const sent = some_of_boost();
  BOOST_TEST((got.tree == sent.tree && got.tree.get<std::string>("a.b") == "leaf"));
  BOOST_TEST((got.ring == sent.ring && got.ring.capacity() == 3u));
  BOOST_TEST((same_elements(got.flat, sent.flat) && got.flat.key_comp().middle == 10));
  BOOST_TEST((got.flat_bag == sent.flat_bag && got.map == sent.map && got.vector == sent.vector && got.small == sent.small));
  BOOST_TEST((got.fixed == sent.fixed && got.stable == sent.stable && got.deque == sent.deque));
  BOOST_TEST((got.devector == sent.devector && got.list == sent.list && got.slist == sent.slist && got.text == sent.text));
  BOOST_TEST((got.hashed.hash_function().seed == 9u && got.hashed.at(1) == 2));
}

template <class T>
T same(T value) {
  return value;
}
template <class T>
bool fails(T const&) {
  throw std::range_error("on purpose");
}

template <class T>
void travels_everywhere(T const& value) {
  check(px::pmap(same<T>, std::vector<T>{value})[0]);
  px::process_pool pool({.workers = 1});
  check(pool.submit(same<T>, value).get());
  px::parallel_queue<T> queue({.workers = 1});
  queue.put(same<T>, value);
  check(queue.get());
  px::channel ch = px::start([](px::channel& up) { up.send(up.receive<T>()); });
  ch.send(value);
  check(ch.receive<T>());
}
template <class T>
void is_replayed(T const& value) {
  std::string directory = "/tmp/procx.travels.XXXXXX";
  BOOST_REQUIRE(::mkdtemp(directory.data()));
  px::process_pool pool({.workers = 1, .save_failures = directory});
  std::string file;
  try {
    pool.submit(fails<T>, value).get();
  } catch (px::task_error const& e) {
    file = e.saved_as();
  }
  BOOST_REQUIRE(!file.empty());
  check(px::replay(file, same<T>));
  std::filesystem::remove_all(directory);
}

/// Copies itself by throwing when asked to: a variant that is assigned from one holds nothing.
struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(throws_when_moved&&) { throw std::runtime_error("moved"); }
  throws_when_moved& operator=(throws_when_moved&&) = default;
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(types, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(all_of_the_standard_library) {
  travels_everywhere(some_of_std());
  is_replayed(some_of_std());
}

BOOST_AUTO_TEST_CASE(all_of_boost) {
  travels_everywhere(some_of_boost());
  is_replayed(some_of_boost());
}

BOOST_AUTO_TEST_CASE(in_the_portable_form_too) {
  inner const value{{'c', 1, 2}, {{{"x", level::low}, {"y", std::nullopt}}}, {"w", ""}};
  BOOST_TEST((px::decode_portable<inner>(px::encode_portable(value)) == value));
  check(px::decode_portable<of_boost>(px::encode_portable(some_of_boost())));
}

BOOST_AUTO_TEST_CASE(a_variant_that_holds_nothing_is_an_error_and_costs_nothing_else) {
  using either = std::variant<int, throws_when_moved>;
  either nothing = 1;
  BOOST_CHECK_THROW(nothing.emplace<1>(throws_when_moved()), std::runtime_error);
  BOOST_REQUIRE(nothing.valueless_by_exception());
  px::channel ch = px::start([](px::channel& up) { up.send(up.receive<int>() + 1); });
  BOOST_CHECK_THROW(ch.send(nothing), std::bad_variant_access);
  ch.send(1);
  BOOST_TEST(ch.receive<int>() == 2);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_SUITE_END()
