#define BOOST_TEST_MODULE keys
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"
#include "support/scratch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

// Order for each key, and different keys side by side.

struct order {
  int customer;
  int number;
};
static order slowly(order o) {
  if (o.number % 7 == 0) std::this_thread::sleep_for(100us);
  return o;
}

/// Checks that the results of each customer are in the order of their numbers; how many there are.
template <class Pipeline>
static std::size_t check_order(Pipeline& p) {
  std::map<int, int> last;
  std::size_t count = 0;
  for (order const o : p.as_completed(px::skip_failures)) {
    auto const [at, is_first] = last.try_emplace(o.customer, o.number);
    if (!is_first) BOOST_TEST(at->second < o.number);
    at->second = o.number;
    ++count;
  }
  return count;
}

template <class Pipeline>
static void feed_orders(Pipeline& p, int orders, int customers) {
  for (int i = 0; i < orders; ++i) p.feed(order{i % customers, i});
}

BOOST_FIXTURE_TEST_SUITE(keys, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(results_of_one_key_leave_in_the_order_of_its_items) {
  for (int const customers : {1, 2, 50}) {
    auto p = px::pipeline()
                 .add_task(slowly, {.workers = 4, .key = &order::customer})
                 .add_task(slowly, {.workers = 3, .key = [](order const& o) { return std::to_string(o.customer); }});
    p.start();
    feed_orders(p, 2000, customers);
    BOOST_TEST(p.join().out == 2000u);
    BOOST_TEST(check_order(p) == 2000u);
  }
}

BOOST_AUTO_TEST_CASE(no_two_items_of_a_key_run_at_once_and_other_keys_do) {
  struct shared_counts {
    std::atomic<int> of_key[4], in_all, most_in_all;
    std::atomic<bool> two_of_one;
  };
  observe::shared<shared_counts> const counts;
  auto p = px::pipeline().add_task([&](order o) {
    if (++counts->of_key[o.customer] > 1) counts->two_of_one = true;
    int const all = ++counts->in_all;
    for (int most = counts->most_in_all; most < all && !counts->most_in_all.compare_exchange_weak(most, all);) {}
    auto const until = std::chrono::steady_clock::now() + 2s;
    while (o.number < 4 && counts->most_in_all < 2 && std::chrono::steady_clock::now() < until) ::usleep(100);
    --counts->in_all, --counts->of_key[o.customer];
  }, {.workers = 4, .key = &order::customer});
  p.start();
  feed_orders(p, 400, 4);
  BOOST_TEST(p.join().out == 400u);
  BOOST_TEST(!counts->two_of_one);
  BOOST_TEST(counts->most_in_all >= 2);
}

BOOST_AUTO_TEST_CASE(a_key_may_be_of_an_item_that_is_spread) {
  auto const key = [](std::string const& name, int) { return std::tuple(name.size(), name); };
  auto p = px::pipeline()
               .add_task([](int n) { return std::pair(std::string(n % 2 ? "odd" : "even"), n); }, {.workers = 1, .ordered = true})
               .add_task([](std::string const& name, int n) { return std::pair(name, n); }, {.workers = 2, .key = key});
  p.start();
  p.feed_chunk(std::views::iota(0, 1000));
  (void)p.join();
  std::map<std::string, int> last{{"odd", -1}, {"even", -1}};
  for (auto const& [name, n] : p.as_completed()) BOOST_TEST(std::exchange(last.at(name), n) < n);
  BOOST_TEST(last.at("odd") == 999);
  BOOST_TEST(last.at("even") == 998);
}

BOOST_AUTO_TEST_CASE(what_a_stage_emits_or_passes_on_has_its_key_too) {
  auto p = px::pipeline()
               .add_task([](int n, px::emit<order> out) {
                 for (int i = 0; i < 3; ++i) out({i, n});
               }, {.workers = 1, .ordered = true})
               .add_task([](order o) { return o.number % 5 ? std::optional(o) : std::nullopt; }, {.workers = 3, .key = &order::customer})
               .add_task([](order o) { return o; }, {.workers = 2, .key = &order::customer});
  p.start();
  p.feed_chunk(std::views::iota(0, 500));
  auto const s = p.join();
  BOOST_TEST(s.out == 1200u);
  BOOST_TEST(s.dropped == 300u);
  BOOST_TEST(check_order(p) == 1200u);
}

BOOST_AUTO_TEST_CASE(the_next_of_a_key_waits_until_one_was_tried_again) {
  observe::shared<std::array<std::atomic<int>, 20>> const tries;
  auto p = px::pipeline().add_task([&](order o) {
    if (o.number % 3 == 0 && ++(*tries)[o.number] == 1) {
      if (o.number % 2) ::abort();
      throw std::runtime_error("not yet");
    }
    return o;
  }, {.workers = 3, .key = &order::customer, .retries = 1, .backoff = 5ms});
  p.start();
  feed_orders(p, 20, 2);
  auto const s = p.join();
  BOOST_TEST(s.failed == 0u);
  BOOST_TEST(check_order(p) == 20u);
}

BOOST_AUTO_TEST_CASE(a_death_costs_one_item_and_no_order) {
  auto p = px::pipeline().add_task([](order o) { return o.number % 100 == 50 ? (::abort(), o) : o; }, {.workers = 3, .key = &order::customer});
  p.start();
  feed_orders(p, 1000, 7);
  auto const s = p.join();
  BOOST_TEST(s.failed == 10u);
  BOOST_TEST(check_order(p) == 990u);
}

BOOST_AUTO_TEST_CASE(what_a_key_throws_is_a_failure_of_the_item) {
  auto const bad = [](order const& o) { return o.number == 3 ? throw std::runtime_error("no key") : o.customer; };
  auto first = px::pipeline().add_task(slowly, {.workers = 2, .key = bad});
  first.start();
  BOOST_CHECK_THROW(first.feed(order{0, 3}), std::runtime_error);
  BOOST_TEST(first.join().in == 0u);
  auto later = px::pipeline().add_task(slowly, {.workers = 2, .name = "before"}).add_task(slowly, {.workers = 2, .key = bad});
  later.start();
  feed_orders(later, 10, 2);
  BOOST_TEST(later.join().failed == 1u);
  BOOST_TEST(later.failures().at(0).stage == "before");
}

BOOST_AUTO_TEST_CASE(a_key_of_other_items_is_refused_at_the_start) {
  auto p = px::pipeline().add_task([](int n) { return n; }, {.workers = 2, .key = &order::customer});
  BOOST_CHECK_THROW(p.start(), px::sequence_error);
}

BOOST_AUTO_TEST_CASE(what_others_send_has_its_key_as_well) {
  auto to = px::pipeline("keyed").add_task(slowly, {.workers = 3, .key = &order::customer});
  auto from = px::pipeline().add_task([](order o) { px::send("keyed", o); }, {.workers = 1});
  to.start();
  from.start();
  feed_orders(from, 500, 3);
  (void)from.join();
  BOOST_TEST(to.join().out == 500u);
  BOOST_TEST(check_order(to) == 500u);
}

BOOST_AUTO_TEST_CASE(in_a_daemon_the_items_of_a_key_are_one_behind_the_other_too) {
  scratch_directory const folder;
  auto const at = folder.path / "orders.sock";
  px::pipeline().add_task(slowly, {.workers = 4}).serve(at);
  auto p = px::pipeline().add_task(px::background<order(order)>(at), {.key = &order::customer});
  p.start();
  feed_orders(p, 300, 5);
  BOOST_TEST(p.join().out == 300u);
  BOOST_TEST(check_order(p) == 300u);
  px::stop_daemon(at);
}

BOOST_AUTO_TEST_CASE(in_this_process_a_key_changes_nothing) {
  auto p = px::pipeline().add_task(slowly, {.key = &order::customer, .here = true}).add_task(slowly, {.key = &order::customer, .here = true});
  p.start();
  feed_orders(p, 100, 3);
  (void)p.join();
  BOOST_TEST(check_order(p) == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
