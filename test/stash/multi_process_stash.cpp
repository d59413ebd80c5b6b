#define BOOST_TEST_MODULE multi_process_stash
#include "support/observe.hpp"
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace data = boost::unit_test::data;

namespace {

/// A datum that cannot travel: workers have it because they were forked from here.
struct datum {
  explicit datum(int i) : n(std::make_unique<int>(i)) {}
  std::unique_ptr<int> n;
};

struct chunk_note {
  int process = 0;
  int size = 0;
  int first = 0;
};

/// Of each number its square, and under "chunk of …" who computed it with how many others.
struct squares : px::multi_process_stash<chunk_note, datum> {
  squares(int how_many, std::unique_ptr<px::stash<chunk_note>> store, px::stash_options const& options)
      : multi_process_stash(std::move(store), options), count(how_many) {}

  std::vector<datum> create_data() override {
    ++created;
    std::vector<datum> all;
    for (int i = 0; i < count; ++i) all.emplace_back(i);
    return all;
  }
  values process(std::span<datum const> chunk) const override {
    values all;
    for (datum const& d : chunk) {
      if (*d.n == bad) throw std::range_error("bad");
      all.emplace_back(std::to_string(*d.n), chunk_note{::getpid(), static_cast<int>(chunk.size()), *chunk[0].n});
    }
    return all;
  }

  int count;
  int created = 0;
  int bad = -1;
};

std::unique_ptr<px::stash<chunk_note>> memory() { return std::make_unique<px::dictionary_stash<chunk_note>>(); }

/// The sizes of the chunks, in the order of the data.
std::vector<int> sizes(squares& s) {
  std::map<int, int> by_first;
  for (auto const& [key, note] : s) by_first[note.first] = note.size;
  std::vector<int> all;
  for (auto const& [first, size] : by_first) all.push_back(size);
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(data_stashes, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(data_are_made_here_and_processed_elsewhere_once) {
  squares s(10, memory(), {.workers = 2});
  BOOST_TEST(!s.exists("3"));
  BOOST_TEST(s.created == 0);
  BOOST_TEST(s.at("3").process != ::getpid());
  BOOST_TEST(s.size() == 10u);
  BOOST_TEST(s.created == 1);
  BOOST_TEST(s.computed() == 10u);
}

BOOST_AUTO_TEST_CASE(without_a_chunk_size_they_are_divided_evenly_over_the_workers) {
  for (auto const& [count, workers, expected] : std::vector<std::tuple<int, int, std::vector<int>>>{
           {10, 2, {5, 5}}, {11, 3, {4, 4, 3}}, {2, 5, {1, 1}}, {7, 1, {7}}}) {
    squares s(count, memory(), {.workers = workers});
    BOOST_TEST(sizes(s) == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(with_one_the_last_chunk_is_short) {
  for (auto const& [count, size, expected] : std::vector<std::tuple<int, std::size_t, std::vector<int>>>{
           {10, 4, {4, 4, 2}}, {8, 4, {4, 4}}, {3, 100, {3}}, {3, 1, {1, 1, 1}}}) {
    squares s(count, memory(), {.workers = 2, .chunk_size = size});
    BOOST_TEST(sizes(s) == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(no_data_are_no_values) {
  squares s(0, memory(), {});
  BOOST_TEST(s.empty());
  BOOST_TEST(s.empty());
  BOOST_TEST(s.created == 1);
}

BOOST_AUTO_TEST_CASE(what_a_store_has_complete_is_not_computed_again) {
  scratch_directory scratch;
  auto const store = [&] { return std::make_unique<px::sqlite_stash<chunk_note>>(scratch.path / "s.db", "s"); };
  for (int round = 0; round < 2; ++round) {
    squares s(10, store(), {.workers = 2});
    BOOST_TEST(s.size() == 10u);
    BOOST_TEST(s.created == (round ? 0 : 1));
  }
  squares s(10, store(), {.workers = 2});
  s.clear();
  BOOST_TEST(s.size() == 10u);
  BOOST_TEST(s.created == 1);
}

BOOST_AUTO_TEST_CASE(after_a_failure_the_stash_does_not_believe_itself_complete) {
  squares s(10, memory(), {.workers = 2, .chunk_size = 2});
  s.bad = 5;
  for (int round = 1; round <= 2; ++round) {
    BOOST_CHECK_EXCEPTION(s.size(), px::remote_exception, [](auto const& e) { return e.message() == "bad"; });
    BOOST_TEST(s.exists("9"));
    BOOST_TEST(!s.exists("5"));
    BOOST_TEST(s.created == round);
  }
  s.bad = -1;
  BOOST_TEST(s.size() == 10u);
}

BOOST_AUTO_TEST_CASE(unprotected_work_ends_with_the_first_failure) {
  squares s(1'000, memory(), {.workers = 1, .chunk_size = 1, .protect_work = false});
  s.bad = 0;
  BOOST_CHECK_THROW(s.size(), px::remote_exception);
  BOOST_TEST(!s.exists("999"));
}

BOOST_AUTO_TEST_CASE(without_a_store_there_is_no_stash) {
  BOOST_CHECK_THROW(squares(1, nullptr, {}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
