#define BOOST_TEST_MODULE hostile
#include <boost/test/unit_test.hpp>

#include <procx/wire/codec.hpp>

#include "support/bytes.hpp"
#include "support/operator_new.hpp"

#include <boost/serialization/valarray.hpp>

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>

#include <pthread.h>

namespace {

std::size_t largest_allocation = 0;

}  // namespace

void test_allocation(std::size_t size) { largest_allocation = std::max(largest_allocation, size); }

namespace {

struct node {
  std::unique_ptr<node> next;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & next;
  }
};

struct tree {
  std::vector<tree> children;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & children;
  }
};

struct nothing {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

struct bulky {
  char text[1000] = {};
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & text[0];
  }
};

std::unique_ptr<node> chain(int length) {
  std::unique_ptr<node> first;
  for (int i = 0; i < length; ++i) {
    auto before = std::make_unique<node>();
    before->next = std::move(first);
    first = std::move(before);
  }
  return first;
}

struct looped {
  std::shared_ptr<looped> next;
};

struct bulky_node {
  char text[16'384] = {};
  std::unique_ptr<bulky_node> next;
};
std::unique_ptr<bulky_node> bulky_chain(int length) {
  std::unique_ptr<bulky_node> first;
  for (int i = 0; i < length; ++i) {
    auto before = std::make_unique<bulky_node>();
    before->next = std::move(first);
    first = std::move(before);
  }
  return first;
}
struct huge {
  char text[5 << 20] = {};
};

template <class T>
void value_or_protocol_error(bytes const& all) {
  try {
    procx::decode<T>(all);
  } catch (procx::protocol_error const&) {
  }
}

/// Runs it on a thread with a stack of that size.
template <class F>
void on_a_stack_of(std::size_t size, F run) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, size);
  pthread_t thread;
  auto const entry = [](void* f) -> void* { return (*static_cast<F*>(f))(), nullptr; };
  BOOST_REQUIRE(::pthread_create(&thread, &attributes, entry, &run) == 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

/// Every beginning of the value's bytes, and the value with a byte more, is refused.
template <class T>
void refuses_other_lengths(T const& value) {
  bytes all = encoded(value);
  for (std::size_t n = 0; n < all.size(); ++n)
    BOOST_CHECK_THROW(procx::decode<T>(std::span(all).first(n)), procx::protocol_error);
  all.push_back({});
  BOOST_CHECK_EXCEPTION(procx::decode<T>(all), procx::protocol_error, says("more bytes than the value has"));
}

/// A collection that claims `count` elements and brings 64 bytes.
template <class T>
void refuses_count(std::uint64_t count) {
  bytes all(8 + 64);
  std::memcpy(all.data(), &count, sizeof count);
  largest_allocation = 0;
  try {
    procx::decode<T>(all);
    BOOST_ERROR("decoded");
  } catch (procx::protocol_error const&) {
  }
  BOOST_TEST(largest_allocation < 4096u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(a_value_cut_off_at_any_byte_or_followed_by_another_is_refused) {
  refuses_other_lengths(7);
  refuses_other_lengths(true);
  refuses_other_lengths(std::string("abc"));
  refuses_other_lengths(std::vector<int>{1, 2});
  refuses_other_lengths(std::vector<std::string>{"a", "", "b"});
  refuses_other_lengths(std::vector<nothing>(3));
  refuses_other_lengths(std::vector<std::tuple<>>(3));
  refuses_other_lengths(std::list<bool>{true, false});
  refuses_other_lengths(std::map<int, std::string>{{1, "x"}, {2, "y"}});
  refuses_other_lengths(std::tuple(1, std::optional<int>(2), std::optional<int>()));
  refuses_other_lengths(std::variant<int, std::string>("x"));
  refuses_other_lengths(std::filesystem::path("/p"));
  refuses_other_lengths(std::array<std::string, 2>{"a", "b"});
  refuses_other_lengths(std::make_unique<std::string>("x"));
  refuses_other_lengths(std::monostate());
  refuses_other_lengths(std::valarray<int>{1, 2});
}

BOOST_AUTO_TEST_CASE(a_count_reserves_no_memory_before_its_elements_are_there) {
  for (std::uint64_t count : {std::uint64_t{65}, std::uint64_t{1} << 20, std::uint64_t{1} << 40, std::uint64_t{1} << 61,
                              std::numeric_limits<std::uint64_t>::max()}) {
    refuses_count<std::string>(count);
    refuses_count<std::wstring>(count);
    refuses_count<std::vector<char>>(count);
    refuses_count<std::vector<double>>(count);
    refuses_count<std::vector<bool>>(count);
    refuses_count<std::vector<std::string>>(count);
    refuses_count<std::list<int>>(count);
    refuses_count<std::deque<std::string>>(count);
    refuses_count<std::set<int>>(count);
    refuses_count<std::unordered_map<int, int>>(count);
    refuses_count<std::filesystem::path>(count);
    refuses_count<std::valarray<int>>(count);
  }
  refuses_count<std::vector<double>>(9);
  refuses_count<std::wstring>(17);
}

BOOST_AUTO_TEST_CASE(a_vector_grows_with_what_arrives) {
  // 40,000 elements are claimed, the second of which is bad.
  bytes all = encoded(std::vector<std::pair<std::optional<int>, bulky>>(40'000));
  all[8 + 2] = std::byte{2};
  largest_allocation = 0;
  using pairs = std::vector<std::pair<std::optional<int>, bulky>>;
  BOOST_CHECK_THROW(procx::decode<pairs>(all), procx::protocol_error);
  BOOST_TEST(largest_allocation < 100'000u);
}

BOOST_AUTO_TEST_CASE(a_bool_is_true_or_false) {
  for (int b : {2, 0x7f, 0xff}) {
    BOOST_CHECK_EXCEPTION(procx::decode<bool>(raw({b})), procx::protocol_error, says("neither true nor false"));
    BOOST_CHECK_THROW(procx::decode<std::optional<int>>(raw({b, 0, 0, 0, 0})), procx::protocol_error);
    BOOST_CHECK_THROW(procx::decode<std::unique_ptr<char>>(raw({b, 0})), procx::protocol_error);
    BOOST_CHECK_THROW(procx::decode<std::vector<bool>>(raw({1, 0, 0, 0, 0, 0, 0, 0, b})), procx::protocol_error);
    BOOST_CHECK_THROW((procx::decode<std::array<bool, 1>>(raw({b}))), procx::protocol_error);
  }
}

BOOST_AUTO_TEST_CASE(a_variant_holds_one_of_its_types) {
  using choice = std::variant<char, int>;
  BOOST_CHECK_EXCEPTION(procx::decode<choice>(raw({2, 0, 0, 0, 0, 0, 0, 0})), procx::protocol_error,
                        says("a variant holds none of its types"));
  BOOST_CHECK_THROW(procx::decode<choice>(raw({255, 255, 255, 255})), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(a_bitset_has_no_bits_beyond_its_size) {
  BOOST_TEST(procx::decode<std::bitset<3>>(raw({7})).all());
  BOOST_CHECK_THROW(procx::decode<std::bitset<3>>(raw({8})), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(values_nest_as_deep_as_half_of_the_stack_allows_and_no_deeper) {
  BOOST_TEST(bool(round_trip(chain(1000))));
  auto ring = std::make_shared<looped>();
  ring->next = ring;
  procx::detail::buffer out;
  BOOST_CHECK_EXCEPTION(procx::encode(out, ring), procx::protocol_error, says("too deep for the stack"));
  ring->next = nullptr;
}

BOOST_AUTO_TEST_CASE(large_nodes_overflow_no_stack_however_small_it_is) {
  auto const deep = encoded(bulky_chain(400));
  auto const large = encoded(std::make_unique<huge>());
  for (std::size_t stack : {std::size_t{256} << 10, std::size_t{1} << 20, std::size_t{8} << 20})
    on_a_stack_of(stack, [&] {
      BOOST_CHECK_NO_THROW(value_or_protocol_error<std::unique_ptr<bulky_node>>(deep));
      BOOST_CHECK_NO_THROW(value_or_protocol_error<std::unique_ptr<huge>>(large));
    });
}

BOOST_AUTO_TEST_CASE(bytes_that_claim_to_nest_for_ever_are_refused) {
  BOOST_CHECK_THROW(procx::decode<std::unique_ptr<node>>(bytes(100'000, std::byte{1})), procx::protocol_error);
  bytes trees;
  for (std::size_t left = 100'000; left > 0; --left) {
    auto const one = encoded(std::uint64_t{1});
    trees.insert(trees.end(), one.begin(), one.end());
  }
  BOOST_CHECK_EXCEPTION(procx::decode<tree>(trees), procx::protocol_error, says("too deep for the stack"));
}

BOOST_AUTO_TEST_CASE(depth_counts_what_is_inside_and_not_what_stands_beside) {
  BOOST_TEST(round_trip(std::vector<std::vector<int>>(5000)).size() == 5000u);
  BOOST_TEST(round_trip(std::vector<tree>(5000)).size() == 5000u);
}

BOOST_AUTO_TEST_SUITE_END()
