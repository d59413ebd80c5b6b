#define BOOST_TEST_MODULE pmap
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <forward_list>
#include <fstream>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;
using observe::shared;

namespace {

int square(int n) { return n * n; }

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// The numbers from 0, which counts how many were drawn.
class counted {
 public:
  counted(int count, int& drawn) : count_(count), drawn_(&drawn) {}

  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    counted* of;
    int operator*() const { return *of->drawn_; }
    iterator& operator++() { return ++*of->drawn_, *this; }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return *of->drawn_ == of->count_; }
  };
  iterator begin() { return {this}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  int count_;
  int* drawn_;
};

struct point {
  int x = 0, y = 0;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & x & y;
  }
};

/// Cannot be made from nothing.
class named {
 public:
  explicit named(std::string name) : name_(std::move(name)) {}
  std::string const& name() const { return name_; }

  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & name_;
  }

 private:
  std::string name_;
};

template <class Archive>
void load_construct_data(Archive&, named* at, unsigned) {
  ::new (at) named("");
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pmap, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(results_are_in_the_order_of_the_inputs) {
  for (int const workers : {1, 2, 11}) {
    int expected = 0;
    for (int r : px::pmap(square, numbers(5000), {.workers = workers})) {
      BOOST_TEST_REQUIRE(r == square(expected));
      ++expected;
    }
    BOOST_TEST(expected == 5000);
  }
}

BOOST_AUTO_TEST_CASE(without_order_each_result_comes_once_and_knows_its_input) {
  for (int const workers : {1, 2, 11}) {
    std::set<std::size_t> seen;
    for (auto const& o : px::pmap(square, numbers(2000), {.workers = workers, .ordered = false}).outcomes()) {
      BOOST_TEST_REQUIRE(*o == square(static_cast<int>(o.index())));
      seen.insert(o.index());
    }
    BOOST_TEST(seen.size() == 2000u);
  }
}

BOOST_AUTO_TEST_CASE(without_order_a_slow_task_holds_nobody_up) {
  gate held;
  auto m = px::pmap([&](int n) {
    if (n == 0) held.wait();
    return n;
  }, numbers(100), {.workers = 2, .ordered = false});
  std::vector<int> seen;
  for (int r : m) {
    seen.push_back(r);
    if (seen.size() == 90) held.open();
  }
  BOOST_TEST(seen.size() == 100u);
  BOOST_TEST(seen.front() != 0);
  auto numbered = px::pmap(square, numbers(3), {.workers = 2, .ordered = false});
  BOOST_CHECK_THROW((void)numbered[0], px::sequence_error);
}

BOOST_AUTO_TEST_CASE(no_inputs_no_results) {
  BOOST_TEST(px::pmap(square, std::vector<int>()).to_vector().empty());
  auto m = px::pmap(square, std::views::iota(0, 0), {.workers = 11});
  BOOST_TEST((m.begin() == m.end()));
  BOOST_CHECK_THROW((void)m[0], std::out_of_range);
  for ([[maybe_unused]] auto const& o : m.outcomes()) BOOST_TEST(false);
}

BOOST_AUTO_TEST_CASE(elements_may_be_what_stands_for_a_value) {
  std::vector<bool> const bits{true, false, false, true};
  BOOST_TEST((px::pmap([](bool bit) { return !bit; }, bits).to_vector() == std::vector<bool>{false, true, true, false}));
}

BOOST_AUTO_TEST_CASE(any_range_will_do) {
  BOOST_TEST(px::pmap(square, std::list{1, 2, 3}).to_vector() == (std::vector{1, 4, 9}), boost::test_tools::per_element());
  std::forward_list<int> const own{4, 5};
  BOOST_TEST(px::pmap(square, own).to_vector() == (std::vector{16, 25}), boost::test_tools::per_element());
  std::istringstream text("6 7 8");
  BOOST_TEST(px::pmap(square, std::views::istream<int>(text)).to_vector() == (std::vector{36, 49, 64}),
             boost::test_tools::per_element());
  auto odd = std::views::iota(0, 10) | std::views::filter([](int n) { return n % 2; });
  BOOST_TEST(px::pmap(square, odd).to_vector() == (std::vector{1, 9, 25, 49, 81}), boost::test_tools::per_element());
  int const plain[]{2, 3};
  BOOST_TEST(px::pmap(square, plain).to_vector() == (std::vector{4, 9}), boost::test_tools::per_element());
  std::vector<bool> const bits{true, false};
  BOOST_TEST(px::pmap([](bool b) { return b ? 1 : 0; }, bits).to_vector() == (std::vector{1, 0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(inputs_are_drawn_as_results_are_taken) {
  int drawn = 0;
  auto m = px::pmap(square, counted(1'000'000, drawn), {.workers = 2});
  BOOST_TEST(drawn == 0);
  auto i = m.begin();
  BOOST_TEST(drawn <= 2 * 4096);
  for (int k = 0; k < 10'000; ++k) ++i;
  BOOST_TEST(drawn >= 10'000);
  BOOST_TEST(drawn <= 10'001 + 2 * 4096);
}

BOOST_AUTO_TEST_CASE(a_billion_inputs_cost_only_what_is_taken) {
  std::size_t const before = resident_kib();
  for (bool const ordered : {true, false}) {
    auto m = px::pmap([](int n) { return n; }, std::views::iota(0, 1'000'000'000), {.workers = 2, .ordered = ordered});
    int taken = 0;
    for ([[maybe_unused]] int r : m)
      if (++taken == 20'000) break;
    BOOST_TEST(taken == 20'000);
  }
  if (!observe::instrumented) BOOST_TEST(resident_kib() < before + 32 * 1024);
}

BOOST_AUTO_TEST_CASE(a_number_waits_for_that_result_and_keeps_those_before_it) {
  for (int const workers : {1, 2, 11}) {
    auto m = px::pmap(square, numbers(9000), {.workers = workers});
    BOOST_TEST(m[7] == 49);
    BOOST_TEST(m[7] == 49);
    BOOST_TEST(m[8999] == square(8999));  // further than it draws ahead
    BOOST_TEST(m[0] == 0);
    BOOST_CHECK_THROW((void)m[9000], std::out_of_range);
    auto i = m.begin();
    ++i;
    BOOST_CHECK_THROW((void)m[0], std::out_of_range);
    BOOST_TEST(m[2] == 4);
    BOOST_TEST(m.outcome_of(3).index() == 3u);
    BOOST_TEST(m.to_vector().size() >= 8998u);
  }
}

BOOST_AUTO_TEST_CASE(tuples_and_pairs_are_spread_unless_they_are_wanted_whole) {
  std::vector<std::tuple<int, int, int>> const triples{{1, 2, 3}, {4, 5, 6}};
  BOOST_TEST(px::pmap([](int a, int b, int c) { return a + b * c; }, triples).to_vector() == (std::vector{7, 34}),
             boost::test_tools::per_element());
  std::map<std::string, int> const pairs{{"a", 1}, {"b", 2}};
  BOOST_TEST(px::pmap([](std::string const& s, int n) { return s + std::to_string(n); }, pairs).to_vector() ==
                 (std::vector<std::string>{"a1", "b2"}),
             boost::test_tools::per_element());
  BOOST_TEST(px::pmap([](std::tuple<int, int, int> const& t) { return std::get<2>(t); }, triples).to_vector() ==
                 (std::vector{3, 6}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(small_inputs_of_all_shapes_arrive_as_they_were) {
  struct padded {
    char letter;
    double number;
    std::uint16_t small;
  };
  constexpr int count = 20'000;
  auto const all = std::views::iota(0, count);
  auto const sums_are_right = [&](auto results) {
    int i = 0;
    for (double const sum : results) BOOST_REQUIRE(sum == 3.0 * i++);
    BOOST_TEST(i == count);
  };
  auto const as_padded = all | std::views::transform([](int i) { return padded{char(i % 100), 1.0 * i, std::uint16_t(i)}; });
  sums_are_right(px::pmap([](padded p) { return p.number * 2 + p.small + (p.letter - int(p.small) % 100); }, as_padded));
  auto const as_tuple = all | std::views::transform([](int i) { return std::tuple(char(1), i, std::pair(2.0 * i, 0L)); });
  sums_are_right(px::pmap([](char c, int i, std::pair<double, long> p) { return i + p.first + p.second + c - 1; }, as_tuple));
  auto const as_other = all | std::views::transform([](int i) { return static_cast<short>(i); });
  sums_are_right(px::pmap([](long double i) { return static_cast<double>(3 * i); }, as_other));
}

BOOST_AUTO_TEST_CASE(anything_that_can_be_called_can_be_applied) {
  std::function<int(int)> const f = [](int n) { return n + 1; };
  BOOST_TEST(px::pmap(f, numbers(3)).to_vector() == (std::vector{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(px::pmap(&std::string::size, std::vector<std::string>{"a", "bcd"}).to_vector() ==
                 (std::vector<std::size_t>{1, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(px::pmap(std::plus<>(), std::vector<std::pair<int, int>>{{1, 2}}).to_vector() == std::vector{3},
             boost::test_tools::per_element());
  char const* const words[]{"one", "three"};
  BOOST_TEST(px::pmap([](std::string const& s) { return s.size(); }, words).to_vector() ==
                 (std::vector<std::size_t>{3, 5}),
             boost::test_tools::per_element());
  auto only_moved = [p = std::make_unique<int>(5)](int n) { return *p * n; };
  BOOST_TEST(px::pmap(std::move(only_moved), numbers(3)).to_vector() == (std::vector{0, 5, 10}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_captured_by_reference_is_seen_as_it_was_at_the_call) {
  std::vector<int> table{10, 20, 30};
  auto m = px::pmap([&](std::size_t i) { return table.at(i); }, std::views::iota(std::size_t{0}, std::size_t{3}));
  table = {0, 0, 0};
  BOOST_TEST(m.to_vector() == (std::vector{10, 20, 30}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_worker_keeps_what_a_stateful_callable_remembers) {
  auto m = px::pmap([count = 0](int) mutable { return ++count; }, numbers(100), {.workers = 1});
  int expected = 0;
  for (int r : m) BOOST_TEST(r == ++expected);
}

BOOST_AUTO_TEST_CASE(results_of_all_kinds_arrive) {
  int sum = 0;
  for (std::unique_ptr<int>& p : px::pmap([](int n) { return std::make_unique<int>(n); }, numbers(10))) sum += *p;
  BOOST_TEST(sum == 45);
  for (point const& p : px::pmap([](int n) { return point{n, -n}; }, numbers(3))) BOOST_TEST(p.x == -p.y);
  std::vector<std::unique_ptr<int>> taken = px::pmap([](int n) { return std::make_unique<int>(n); }, numbers(3)).to_vector();
  BOOST_TEST(*taken.at(2) == 2);
  int count = 0;
  for ([[maybe_unused]] std::monostate m : px::pmap([](int) {}, numbers(10))) ++count;
  BOOST_TEST(count == 10);
  auto const maybe = px::pmap([](int n) { return n ? std::optional(n) : std::nullopt; }, numbers(2)).to_vector();
  BOOST_TEST(!maybe[0]);
  BOOST_TEST(maybe[1].value() == 1);
  std::string const global = "referred to";
  BOOST_TEST(px::pmap([&](int) -> std::string const& { return global; }, numbers(1)).to_vector().at(0) == global);
}

BOOST_AUTO_TEST_CASE(results_need_not_be_constructible_from_nothing) {
  auto m = px::pmap([](int n) { return named(std::to_string(n)); }, std::vector{1, 22});
  BOOST_TEST(m[1].name() == "22");
  BOOST_TEST(m.to_vector().front().name() == "1");
}

BOOST_AUTO_TEST_CASE(all_workers_are_used_and_none_without_work) {
  shared<std::atomic<int>> arrived(0);
  auto const meet = [&](int) {
    arrived->fetch_add(1);
    while (arrived->load() < 11) ::usleep(100);
    return static_cast<int>(::getpid());
  };
  std::vector<int> const pids = px::pmap(meet, numbers(11), {.workers = 11}).to_vector();
  BOOST_TEST(std::set<int>(pids.begin(), pids.end()).size() == 11u);
  std::vector<int> const few = px::pmap([](int) { return static_cast<int>(::getpid()); }, numbers(2), {.workers = 64}).to_vector();
  BOOST_TEST(few.size() == 2u);
}

BOOST_AUTO_TEST_CASE(workers_end_while_the_last_results_are_used) {
  auto results = px::pmap([](int) { return ::getpid(); }, numbers(20), {.workers = 2});
  std::set<pid_t> workers;
  for (pid_t worker : results) workers.insert(worker);
  for (pid_t worker : workers) BOOST_TEST(observe::has_ended(worker));
}

BOOST_AUTO_TEST_CASE(sixty_four_workers_are_as_good_as_two) {
  int expected = 0;
  for (int r : px::pmap([](int n) { return n; }, numbers(3000), {.workers = 64})) BOOST_TEST_REQUIRE(r == expected++);
  BOOST_TEST(expected == 3000);
}

BOOST_AUTO_TEST_CASE(quick_results_arrive_while_the_task_behind_them_takes_long) {
  gate held;
  auto m = px::pmap([&](int n) {
    if (n == 5) held.wait();
    return n;
  }, numbers(6), {.workers = 1, .window = 64});
  for (int n = 0; n < 5; ++n) BOOST_TEST(m[static_cast<std::size_t>(n)] == n);
  held.open();
  BOOST_TEST(m[5] == 5);
}

BOOST_AUTO_TEST_CASE(two_can_be_taken_from_in_turns) {
  auto a = px::pmap(square, numbers(3000), {.workers = 2});
  auto b = px::pmap([](int n) { return -n; }, numbers(3000), {.workers = 2});
  auto i = a.begin();
  auto k = b.begin();
  for (int n = 0; n < 3000; ++n, ++i, ++k) BOOST_TEST_REQUIRE((*i == n * n && *k == -n));
  BOOST_TEST((i == a.end() && k == b.end()));
}

BOOST_AUTO_TEST_CASE(a_task_can_use_one_of_its_own) {
  for (int const workers : {1, 2}) {
    auto const row_sum = [](int n) {
      int sum = 0;
      for (int r : px::pmap(square, numbers(n), {.workers = 2})) sum += r;
      return sum;
    };
    BOOST_TEST(px::pmap(row_sum, std::vector{1, 3, 4}, {.workers = workers}).to_vector() == (std::vector{0, 5, 14}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(threads_can_each_have_one) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      int expected = 0;
      bool right = true;
      for (int r : px::pmap([t](int n) { return n * t; }, numbers(500), {.workers = 2})) right &= r == expected++ * t;
      good += right && expected == 500;
    });
  for (std::thread& t : threads) t.join();
  BOOST_TEST(good.load() == 4);
}

BOOST_AUTO_TEST_CASE(destroyed_half_way_it_leaves_nothing) {
  gate held;
  for (int const workers : {1, 2, 11}) {
    auto m = px::pmap([&](int n) {
      if (n > 50) held.wait();
      return n;
    }, numbers(100'000), {.workers = workers, .ordered = false});
    int taken = 0;
    for ([[maybe_unused]] int r : m)
      if (++taken == 40) break;
  }
  auto never_used = px::pmap(square, numbers(10));
}

BOOST_AUTO_TEST_CASE(what_moved_goes_on) {
  auto m = px::pmap(square, numbers(100), {.workers = 2});
  BOOST_TEST(m[3] == 9);
  auto other = std::move(m);
  BOOST_TEST(other[99] == square(99));
  auto outcomes = std::move(other).outcomes();
  int count = 0;
  for (auto const& o : outcomes) count += o.has_value();
  BOOST_TEST(count == 100);
}

BOOST_AUTO_TEST_CASE(a_long_task_holds_up_none_of_those_behind_it) {
  for (unsigned const window : {0u, 64u})
    for (int const long_one : {0, 37, 99}) {
      observe::gate held;
      auto const work = [&](int n) {
        if (n == long_one) held.wait();
        return n;
      };
      std::set<int> seen;
      for (int r : px::pmap(work, std::views::iota(0, 100), {.workers = 2, .ordered = false, .window = window})) {
        seen.insert(r);
        if (seen.size() == 99) held.open();
      }
      BOOST_TEST(seen.size() == 100u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
