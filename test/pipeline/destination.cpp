#define BOOST_TEST_MODULE destination
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/destination.hpp>
#include <procx/procx.hpp>

#include "support/destination_rows.hpp"
#include "support/processes.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

/// What a store in memory holds, as others see it: what was committed.
struct contents {
  std::mutex mutex;
  std::condition_variable news;
  std::vector<int> rows;
  px::done_parts done;
  std::size_t commits = 0;
  std::string log;  // b(egin), w(rite), c(ommit), r(oll back)
  std::function<void()> on_begin = [] {}, on_commit = [] {};
  bool breaks = false;

  bool wait_for_commits(std::size_t n) {
    std::unique_lock lock(mutex);
    return news.wait_for(lock, 10s, [&] { return commits >= n; });
  }
};

class memory_store final : public px::batch_store<int> {
 public:
  explicit memory_store(contents& c) : contents_(c) {
    for (std::string const& source : c.done.sources())
      for (auto const& r : c.done.ranges(source)) table_[{source, r.begin}] = r.end;
  }

  px::done_parts load() override { return contents_.done; }
  void begin(px::done_parts& done) override {
    contents_.log += 'b';
    contents_.on_begin();
    done = contents_.done;
  }
  void write(px::batch<int> const& rows) override {
    for (int const n : rows.rows)
      if (n < 0) throw std::runtime_error("a negative number");
    contents_.log += 'w';
    rows_.insert(rows_.end(), rows.rows.begin(), rows.rows.end());
  }
  bool is_usable() const noexcept override { return !contents_.breaks; }
  void commit(std::span<px::done_parts::change const> changes) override {
    contents_.log += 'c';
    contents_.on_commit();
    std::lock_guard const lock(contents_.mutex);
    contents_.rows.insert(contents_.rows.end(), rows_.begin(), rows_.end());
    rows_.clear();
    for (auto const& c : changes) {
      for (std::uint64_t const begin : c.removed) BOOST_TEST(table_.erase({c.source, begin}) == 1u);
      for (auto const& r : c.added) BOOST_TEST(table_.emplace(std::pair(c.source, r.begin), r.end).second);
    }
    contents_.done = px::done_parts();
    for (auto const& [at, end] : table_) contents_.done.add({at.first, at.second, end});
    ++contents_.commits;
    contents_.news.notify_all();
  }
  void roll_back() noexcept override {
    contents_.log += 'r';
    rows_.clear();
  }

 private:
  contents& contents_;
  std::vector<int> rows_;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> table_;  // ends, by sources and beginnings
};

struct memory : contents {
  px::destination<int> opened(px::commit_options const& options) {
    return px::destination<int>(std::make_unique<memory_store>(*this), options);
  }
};

auto each = boost::test_tools::per_element();
using ints = std::vector<int>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(destinations, memory)

BOOST_AUTO_TEST_CASE(several_batches_are_one_transaction_as_many_rows_as_are_asked_for) {
  auto to = opened({.rows = 3, .linger = 1h});
  to(numbers(0, {1, 2}));
  BOOST_TEST(log == "bw");
  to(numbers(2, {3}));
  BOOST_TEST(log == "bwwc");
  to(numbers(1, {}));  // says that it is done
  BOOST_TEST(rows == (ints{1, 2, 3}), each);
  to.finish();
  BOOST_TEST(log == "bwwcbwc");
  to.finish();
  BOOST_TEST(log == "bwwcbwc");
}

BOOST_AUTO_TEST_CASE(without_linger_each_batch_is_a_transaction) {
  auto to = opened({.linger = 0s});
  to(numbers(0, {1}));
  to(numbers(1, {2}));
  BOOST_TEST(log == "bwcbwc");
  // None is left open by what is not written.
  to(numbers(1, {2}));
  BOOST_TEST(log == "bwcbwcbc");
  BOOST_CHECK_THROW(to(numbers(2, {-1})), std::runtime_error);
  BOOST_TEST(log == "bwcbwcbcbr");
}

BOOST_AUTO_TEST_CASE(a_batch_is_committed_in_time_though_nothing_comes_behind_it) {
  auto to = opened({.linger = 1ms});
  to(numbers(0, {1}));
  BOOST_TEST(wait_for_commits(1));
  to(numbers(1, {2}));
  BOOST_TEST(wait_for_commits(2));
  BOOST_TEST(rows == (ints{1, 2}), each);
}

BOOST_AUTO_TEST_CASE(a_batch_that_comes_late_is_committed_with_those_before_it) {
  auto to = opened({.linger = 1ns});
  for (std::uint64_t i = 0; i < 100; ++i) {
    to(numbers(i, {static_cast<int>(i)}));
    std::lock_guard const lock(mutex);
    BOOST_TEST(rows.size() == i + 1);
  }
}

BOOST_AUTO_TEST_CASE(what_was_done_is_passed_over_and_a_part_of_it_refused) {
  done.add({"numbers", 0, 10});
  auto to = opened({.linger = 0s});
  to(numbers(3, {3}));
  BOOST_TEST(to.repeated() == 1u);
  BOOST_CHECK_THROW(to({{"numbers", 9, 11}, {9, 10}}), std::invalid_argument);
  to({{}, {11}});  // without a cursor
  to({{}, {11}});
  to.finish();
  BOOST_TEST(rows == (ints{11, 11}), each);
}

BOOST_AUTO_TEST_CASE(what_is_stored_of_the_parts_that_are_done_is_right_whatever_a_transaction_does_with_them) {
  std::vector<std::uint64_t> parts(200);
  std::iota(parts.begin(), parts.end(), 0);
  for (unsigned seed = 0; seed < 20; ++seed) {
    memory m;
    std::mt19937 random(seed);
    std::ranges::shuffle(parts, random);
    auto to = m.opened({.rows = seed % 7 + 1, .linger = 1h});
    for (std::uint64_t const p : parts) {
      to(numbers(p, {static_cast<int>(p)}));
      if (random() % 50 == 0) to.finish();
    }
    to.finish();
    BOOST_TEST(m.done.missing("numbers", 0, 200).empty());
    BOOST_TEST(m.done.ranges("numbers").size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_bad_batch_costs_no_other) {
  auto to = opened({.rows = 100, .linger = 1h});
  to(numbers(0, {1}));
  BOOST_CHECK_THROW(to(numbers(1, {2, -2})), std::runtime_error);
  to(numbers(2, {3}));
  to.finish();
  BOOST_TEST(rows == (ints{1, 3}), each);
  BOOST_TEST(!to.done().contains({"numbers", 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_destination_that_is_broken_says_so_to_the_end_and_keeps_what_was_committed) {
  for (char const* where : {"begin", "write", "commit"}) {
    memory m;
    {
      auto to = m.opened({.rows = 2, .linger = 1h});
      to(numbers(0, {1, 1}));
      if (where == std::string("begin")) m.on_begin = [] { throw std::runtime_error("no space"); };
      if (where == std::string("commit")) m.on_commit = [] { throw std::runtime_error("no space"); };
      m.breaks = where == std::string("write");
      if (where == std::string("commit")) to(numbers(1, {2}));
      BOOST_CHECK_THROW(to(numbers(2, {where == std::string("write") ? -1 : 3})), std::runtime_error);
      m.on_begin = m.on_commit = [] {};
      BOOST_CHECK_THROW(to(numbers(3, {4, 4})), std::runtime_error);
      BOOST_CHECK_THROW(to.finish(), std::runtime_error);
      BOOST_CHECK_THROW(to.finish(), std::runtime_error);
    }
    BOOST_TEST(m.rows == (ints{1, 1}), each);
    BOOST_TEST(m.log.ends_with('r'));
  }
}

BOOST_AUTO_TEST_CASE(the_destructor_commits) {
  opened({.linger = 1h})(numbers(0, {1}));
  BOOST_TEST(rows == ints{1}, each);
  on_commit = [] { throw std::runtime_error("no space"); };
  BOOST_CHECK_NO_THROW(opened({.linger = 1h})(numbers(1, {2})));
  BOOST_TEST(log.ends_with("bwcr"));
}

BOOST_AUTO_TEST_CASE(what_the_last_commit_throws_join_throws) {
  auto to = opened({.linger = 1h});
  auto p = px::pipeline()
               .add_task([](int n) { return numbers(static_cast<std::uint64_t>(n), {n}); }, {.workers = 2})
               .add_destination(std::ref(to), {.here = true});
  p.start();
  for (int i = 0; i < 100; ++i) p.feed(i);
  on_commit = [] { throw std::runtime_error("no space"); };
  BOOST_CHECK_EXCEPTION((void)p.join(), px::remote_exception, [](px::remote_exception const& e) { return e.message() == "no space"; });
  BOOST_TEST(rows.empty());
}

BOOST_AUTO_TEST_CASE(a_pipeline_commits_before_join_returns) {
  auto to = opened({.linger = 1h});
  auto p = px::pipeline()
               .add_task([](int n) { return numbers(static_cast<std::uint64_t>(n), {n}); }, {.workers = 2})
               .add_destination(std::ref(to), {.here = true});
  p.start();
  for (int i = 0; i < 100; ++i) p.feed(i);
  BOOST_TEST(p.join().out == 100u);
  BOOST_TEST(rows.size() == 100u);
  BOOST_TEST(done.ranges("numbers").size() == 1u);
}

BOOST_AUTO_TEST_CASE(another_process_is_told_that_it_is_not_its_own) {
  auto to = opened({.linger = 1h});
  to(numbers(0, {1}));
  auto p = px::pipeline().add_task([](int n) { return numbers(static_cast<std::uint64_t>(n), {n}); }).add_destination(std::ref(to));
  p.start();
  p.feed(1);
  BOOST_CHECK_THROW((void)p.join(), px::remote_exception);  // it cannot be finished there either
  BOOST_TEST(p.join().failed == 1u);
  BOOST_TEST(p.failures().front().what().find(".here = true") != std::string::npos, p.failures().front().what());
  BOOST_TEST(processes::code_of_fork([&] {
    std::destroy_at(&to);
    return 0;
  }) == 0);
  to.finish();
  BOOST_TEST(rows == ints{1}, each);
}

BOOST_AUTO_TEST_SUITE_END()
