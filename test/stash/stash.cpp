// What every stash does, wherever it keeps its values.
#define BOOST_TEST_MODULE stash
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace px = procx;
namespace data = boost::unit_test::data;

namespace {

enum class place { dictionary, directory, sqlite };
std::ostream& operator<<(std::ostream& out, place p) {
  return out << (p == place::dictionary ? "dictionary" : p == place::directory ? "directory" : "sqlite");
}
auto const places = data::make({place::dictionary, place::directory, place::sqlite});

template <class T>
std::unique_ptr<px::stash<T>> make(place p, std::filesystem::path const& in) {
  switch (p) {
    case place::dictionary: return std::make_unique<px::dictionary_stash<T>>();
    case place::directory: return std::make_unique<px::directory_stash<T>>(in / "values");
    case place::sqlite: return std::make_unique<px::sqlite_stash<T>>(in / "values.db", "values");
  }
  return nullptr;
}

std::vector<std::string> sorted(std::vector<std::string> keys) {
  std::ranges::sort(keys);
  return keys;
}

struct line {
  std::string text;
  std::vector<int> numbers;
  bool operator==(line const&) const = default;
};

struct odd {
  explicit odd(int i) : n(i) {}
  int n;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & n;
  }
};

template <class Archive>
void load_construct_data(Archive&, odd* at, unsigned) {
  ::new (at) odd(0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stashes)

BOOST_DATA_TEST_CASE_F(scratch_directory, what_was_dumped_is_loaded, places, p) {
  auto const s = make<line>(p, path);
  BOOST_TEST(!s->load("a"));
  line const a{"some text", {1, 2, 3}};
  s->dump("a", a);
  s->dump("b", {});
  BOOST_TEST((s->load("a") == a));
  BOOST_TEST((s->at("b") == line()));
  BOOST_TEST((s->get("c", a) == a));
  BOOST_TEST((s->get("b", a) == line()));
  BOOST_CHECK_THROW(s->at("c"), std::out_of_range);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, another_value_takes_the_place_of_the_first, places, p) {
  auto const s = make<std::string>(p, path);
  s->dump("a", "one");
  s->dump("a", std::string(100'000, 'x'));
  BOOST_TEST(s->at("a").size() == 100'000u);
  s->dump("a", "");
  BOOST_TEST(s->at("a").empty());
  BOOST_TEST(s->size() == 1u);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, an_erased_key_is_gone, places, p) {
  auto const s = make<int>(p, path);
  s->dump("a", 1);
  s->dump("b", 2);
  BOOST_TEST(s->exists("a"));
  BOOST_TEST(s->erase("a"));
  BOOST_TEST(!s->erase("a"));
  BOOST_TEST(!s->exists("a"));
  BOOST_TEST(!s->load("a"));
  BOOST_TEST(s->keys() == std::vector<std::string>{"b"});
}

BOOST_DATA_TEST_CASE_F(scratch_directory, a_cleared_stash_is_empty_and_takes_values_again, places, p) {
  auto const s = make<int>(p, path);
  BOOST_TEST(s->empty());
  for (int i = 0; i < 100; ++i) s->dump(std::to_string(i), i);
  BOOST_TEST(s->size() == 100u);
  s->clear();
  BOOST_TEST(s->empty());
  BOOST_TEST(s->keys().empty());
  s->dump("7", 8);
  BOOST_TEST(s->at("7") == 8);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, keys_may_be_any_bytes, places, p) {
  std::vector<std::string> keys{"", ".", "..", "/", "a/../../b", "%", "%2e", "%-", "A", "a", "ä", "\n", ".value", "x.failure"};
  for (int c = 0; c < 256; ++c) keys.push_back({static_cast<char>(c), '\0', static_cast<char>(c)});
  for (std::size_t length : {199u, 200u, 201u, 254u, 5'000u}) {
    keys.emplace_back(length, 'k');
    keys.emplace_back(length, '/');
    keys.push_back(std::string(length, 'k') + "1");
  }
  auto const s = make<std::string>(p, path);
  for (std::string const& key : keys) s->dump(key, "of " + key);
  for (std::string const& key : keys) BOOST_TEST((s->load(key) == "of " + key));
  BOOST_TEST((sorted(s->keys()) == sorted(keys)));
}

BOOST_DATA_TEST_CASE_F(scratch_directory, iteration_gives_every_pair_once, places, p) {
  auto const s = make<int>(p, path);
  std::map<std::string, int> put, got;
  for (int i = 0; i < 50; ++i) s->dump("k" + std::to_string(i), put["k" + std::to_string(i)] = i * i);
  for (auto const& [key, value] : *s) BOOST_TEST(got.emplace(key, value).second);
  BOOST_TEST((got == put));
}

BOOST_DATA_TEST_CASE_F(scratch_directory, iteration_leaves_out_what_goes_meanwhile, places, p) {
  auto const s = make<int>(p, path);
  for (char const* key : {"a", "b", "c"}) s->dump(key, 1);
  std::size_t seen = 0;
  for (auto const& [key, value] : *s) {
    for (char const* other : {"a", "b", "c"})
      if (key != other) s->erase(other);
    ++seen;
  }
  BOOST_TEST(seen == 1u);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, values_need_no_default_constructor, places, p) {
  auto const s = make<odd>(p, path);
  s->dump("three", odd(3));
  BOOST_TEST(s->at("three").n == 3);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, a_value_takes_away_the_failure_of_its_key, places, p) {
  auto const s = make<int>(p, path);
  px::byte_store& store = s->storage();
  px::byte_store::record const failure{px::record_kind::failure, "a", {std::byte{1}}};
  store.put({&failure, 1});
  BOOST_TEST(store.count(px::record_kind::failure) == 1u);
  BOOST_TEST(s->empty());
  s->dump("b", 2);
  BOOST_TEST(store.exists(px::record_kind::failure, "a"));
  s->dump("a", 1);
  BOOST_TEST(store.count(px::record_kind::failure) == 0u);
  BOOST_TEST(s->size() == 2u);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, threads_share_a_stash, places, p) {
  auto const s = make<std::uint64_t>(p, path);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 50; ++i) {
        s->dump(std::to_string(t) + '.' + std::to_string(i), t * 1000 + i);
        if (auto const other = s->load("0." + std::to_string(i)); other && *other != i) throw std::logic_error("a wrong value");
      }
    });
  for (auto& t : threads) t.join();
  BOOST_TEST(s->size() == 200u);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, what_is_on_disk_is_there_again, data::make({place::directory, place::sqlite}), p) {
  for (int i = 0; i < 3; ++i) {
    auto const s = make<std::vector<double>>(p, path);
    BOOST_TEST(s->size() == static_cast<std::size_t>(i));
    s->dump(std::to_string(i), {0.5, 1.0 * i});
  }
  BOOST_TEST(make<std::vector<double>>(p, path)->at("2")[1] == 2.0);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, values_of_another_type_are_refused, data::make({place::directory, place::sqlite}), p) {
  make<int>(p, path)->dump("a", 1);
  BOOST_CHECK_EXCEPTION(make<std::string>(p, path), px::stash_error, [](px::stash_error const& e) {
    return e.code() == px::errc::signature_mismatch && std::string(e.what()).find("another type") != std::string::npos;
  });
  BOOST_TEST(make<int>(p, path)->at("a") == 1);
}

BOOST_DATA_TEST_CASE_F(scratch_directory, full_durability_keeps_values_as_well, data::make({place::directory, place::sqlite}), p) {
  for (int round = 0; round < 2; ++round) {
    std::unique_ptr<px::stash<int>> s;
    if (p == place::directory)
      s = std::make_unique<px::directory_stash<int>>(path / "values", px::durability::full);
    else
      s = std::make_unique<px::sqlite_stash<int>>(path / "values.db", "values", px::sqlite_options{.how = px::durability::full});
    if (round == 0) s->dump("a", 5);
    BOOST_TEST(s->at("a") == 5);
  }
}

BOOST_AUTO_TEST_SUITE_END()
