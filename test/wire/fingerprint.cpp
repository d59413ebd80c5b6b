#define BOOST_TEST_MODULE fingerprint

#include <procx/wire/fingerprint.hpp>

#include "support/golden_types.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <string>

using procx::type_fingerprint;

namespace {

// What has been computed once is computed for ever, by every compiler: kept values are told apart by it.
std::map<std::string, std::uint64_t> const known{
    {"bool", 0x7a5fa19fcb7b4783u},
    {"char", 0xcb0ac8d79abbeb03u},
    {"signed_char", 0x8535ac953c38324bu},
    {"unsigned_short", 0x1d11b60c67c2341du},
    {"int", 0xe22601b05d0610aeu},
    {"unsigned_long_long", 0x63310bd626267757u},
    {"long_long", 0x6e64ad43d9ce9722u},
    {"float", 0x884bf4f82bb5f028u},
    {"double", 0x0c60d8d3fff8c7a4u},
    {"char16", 0x1d11b60c67c2341du},
    {"enum_class", 0xd56abd57fedc38dau},
    {"enum_plain", 0x7050a0853588ab7fu},
    {"monostate", 0x678a6083aa893e66u},
    {"string", 0x9499ae6dbdef126eu},
    {"u16string", 0xb5fb48655d1f7514u},
    {"path", 0x02a3df4fb52f677bu},
    {"vector_of_bytes", 0xd5683b82bc70dac6u},
    {"vector_of_bools", 0x8ba959849f9451b7u},
    {"vector_of_strings", 0x51eb7d21171804f6u},
    {"vector_of_pixels", 0x7993d53cc4fd08d9u},
    {"vector_of_nothing", 0x40d5243cfaeea192u},
    {"array", 0xc78db5e42e40e77au},
    {"bitset", 0xe4394996a1819e8cu},
    {"complex", 0x04feb6a8c48ba99du},
    {"duration", 0xfb334c3bcd64325cu},
    {"time_point", 0x0af0619634f2f63cu},
    {"error_code", 0x64f929934ac70a88u},
    {"boost_error_code", 0x64f929934ac70a88u},
    {"pair", 0x50e54faa84b8bbb0u},
    {"tuple", 0xeb7fbcd0637a0910u},
    {"tuple_of_nothing", 0x82dadf2b2fc2ca0au},
    {"optional", 0x882197cf8c2f7f70u},
    {"optional_empty", 0x671f48baf4c13a3cu},
    {"variant", 0x89573633134f8fe9u},
    {"unique_ptr", 0x3ec992558a33a498u},
    {"shared_ptr_null", 0x3ec992558a33a498u},
    {"deque", 0xd74a3eba77931ef4u},
    {"list", 0x51eb7d21171804f6u},
    {"forward_list", 0x7d7032024642fe6eu},
    {"set", 0x76924637685ba66du},
    {"map", 0xd992ddc23bffb3b3u},
    {"multimap", 0x5ccb5287a577dfdau},
    {"unordered_map", 0x8262eac13d6c422fu},
    {"flat_map", 0xb93355eccba8d4c3u},
    {"small_vector", 0x7d7032024642fe6eu},
    {"circular_buffer", 0x0129360c6d19b66fu},
    {"struct_with_a_hole", 0x20b28aa50cf501b9u},
    {"struct_with_arrays", 0x40f6197e13508ceeu},
    {"struct_of_many", 0xc27a8a66bd6b23e0u},
    {"struct_without_default", 0xda94420abd726661u},
    {"struct_that_recurs", 0x324ae5b590a71dc2u},
    {"struct_that_owns_itself", 0x7c9c05b034fd36e2u},
    {"class_with_serialize", 0xc83eb9fc0b1eb7a8u},
    {"class_with_codec", 0x7a5fa19fcb7b4783u},
    {"class_as_range", 0x38fd59613d519485u},
};

struct place {
  double east = 0, north = 0;
};
struct triple {
  double x = 0, y = 0, z = 0;
};
struct bush {
  std::string title;
  std::vector<bush> twigs;
};
struct chain_of_shorts {
  short number = 0;
  std::unique_ptr<chain_of_shorts> next;
};
template <int Version>
struct versioned {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
  int state = 0;
};
struct numbers {
  int first[3];
};
struct same_numbers {
  std::array<int, 3> all;
};

}  // namespace

namespace boost::serialization {
template <>
struct version<versioned<2>> {
  static constexpr int value = 2;
};
}  // namespace boost::serialization

BOOST_AUTO_TEST_CASE(what_is_known_stays_as_it_is) {
  std::size_t number = 0;
  golden::for_each([&]<class T>(std::string const& name, T const&) {
    auto const at = known.find(name);
    BOOST_REQUIRE_MESSAGE(at != known.end(), name << " is not known");
    BOOST_TEST(type_fingerprint<T>() == at->second, name);
    ++number;
  });
  BOOST_TEST(number == known.size());
}

BOOST_AUTO_TEST_CASE(names_do_not_count) {
  static_assert(type_fingerprint<golden::point>() == type_fingerprint<place>());
  static_assert(type_fingerprint<golden::tree>() == type_fingerprint<bush>());
  static_assert(type_fingerprint<std::vector<int>>() == type_fingerprint<std::deque<int>>());
  static_assert(type_fingerprint<numbers>() == type_fingerprint<same_numbers>());
  static_assert(type_fingerprint<std::unique_ptr<int>>() == type_fingerprint<std::shared_ptr<int>>());
}

BOOST_AUTO_TEST_CASE(everything_that_changes_the_bytes_does) {
  static_assert(type_fingerprint<golden::point>() != type_fingerprint<triple>());
  static_assert(type_fingerprint<int>() != type_fingerprint<unsigned>());
  static_assert(type_fingerprint<int>() != type_fingerprint<long long>());
  static_assert(type_fingerprint<int>() != type_fingerprint<float>());
  static_assert(type_fingerprint<std::vector<int>>() != type_fingerprint<std::vector<unsigned char>>());
  static_assert(type_fingerprint<std::vector<std::vector<int>>>() != type_fingerprint<std::vector<int>>());
  static_assert(type_fingerprint<std::array<int, 3>>() != type_fingerprint<std::array<int, 4>>());
  static_assert(type_fingerprint<std::bitset<8>>() != type_fingerprint<std::bitset<9>>());
  static_assert(type_fingerprint<std::optional<int>>() != type_fingerprint<std::unique_ptr<int>>());
  static_assert(type_fingerprint<std::pair<int, char>>() != type_fingerprint<std::pair<char, int>>());
  static_assert(type_fingerprint<std::tuple<std::tuple<int>, int>>() != type_fingerprint<std::tuple<std::tuple<int, int>>>());
  static_assert(type_fingerprint<std::variant<int, char>>() != type_fingerprint<std::variant<char, int>>());
  static_assert(type_fingerprint<std::chrono::seconds>() != type_fingerprint<std::chrono::milliseconds>());
  static_assert(type_fingerprint<golden::chain>() != type_fingerprint<chain_of_shorts>());
  static_assert(type_fingerprint<versioned<1>>() != type_fingerprint<versioned<2>>());
  static_assert(type_fingerprint<std::map<int, int>>() != type_fingerprint<std::set<int>>());
  BOOST_TEST(type_fingerprint<int>() != 0u);
}
