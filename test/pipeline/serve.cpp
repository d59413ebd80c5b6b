#define BOOST_TEST_MODULE serve
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"
#include "support/scratch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;

// Pipelines in daemons, fed by others.

static std::string shout(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return std::toupper(c); });
  if (s == "CRASH") ::abort();
  if (s == "THROW") throw std::runtime_error("thrown there");
  return s;
}
static std::optional<int> if_even(int n) { return n % 2 ? std::nullopt : std::optional(n); }
static void copies(int n, px::emit<int> out) {
  for (int i = 0; i < n; ++i) out(n);
}

/// Stops what is served at its paths.
struct served : scratch_directory {
  ~served() {
    for (fs::path const& p : paths) try {
        px::stop_daemon(p);
      } catch (px::connection_error const&) {
      }
  }
  fs::path at(char const* name) {
    paths.push_back(path / name);
    return paths.back();
  }
  std::vector<fs::path> paths;
};

template <class Pipeline>
static auto sorted_results(Pipeline& p) {
  std::vector<std::ranges::range_value_t<decltype(p.as_completed())>> all;
  for (auto& r : p.as_completed(px::skip_failures)) all.push_back(std::move(r));
  std::ranges::sort(all);
  return all;
}

BOOST_FIXTURE_TEST_SUITE(serve, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_pipeline_in_a_daemon_is_a_stage_of_another) {
  served s;
  auto const at = s.at("shout.sock");
  px::pipeline("shout").add_task(shout, {.workers = 2}).add_task([](std::string t) { return t + '!'; }, {.workers = 1}).serve(at);
  auto p = px::pipeline()
               .add_task(px::background<std::string(std::string)>(at), {.workers = 4})
               .add_task([](std::string const& t) { return t.size(); });
  p.start();
  for (int i = 0; i < 200; ++i) p.feed(std::string(static_cast<std::size_t>(i), 'x'));
  BOOST_TEST(p.join().out == 200u);
  auto const sizes = sorted_results(p);
  for (std::size_t i = 0; i < 200; ++i) BOOST_TEST(sizes.at(i) == i + 1);
}

BOOST_AUTO_TEST_CASE(what_fails_there_fails_here_and_costs_nothing_else) {
  served s;
  auto const at = s.at("shout.sock");
  px::pipeline().add_task([](std::string t) { return t; }, {.workers = 1}).add_task(shout, {.workers = 1}).serve(at);
  auto p = px::pipeline().add_task(px::background<std::string(std::string)>(at), {.workers = 2});
  p.start();
  for (std::string t : {"a", "crash", "b", "throw", "c"}) p.feed(t);
  auto const sum = p.join();
  BOOST_TEST(sum.failed == 2u);
  BOOST_TEST((sorted_results(p) == std::vector<std::string>{"A", "B", "C"}));
  px::connection mine(at);
  BOOST_CHECK_THROW(mine.call<std::string>("item", std::string("throw")), px::remote_exception);
  BOOST_CHECK_THROW(mine.call<std::string>("item", std::string("crash")), px::process_died);
  BOOST_TEST(mine.call<std::string>("item", std::string("well")) == "WELL");
}

BOOST_AUTO_TEST_CASE(none_or_many_results_come_back_as_well) {
  served s;
  auto const even = s.at("even.sock"), many = s.at("many.sock"), none = s.at("none.sock");
  px::pipeline().add_task(if_even).serve(even);
  px::pipeline().add_task(copies, {.workers = 2}).add_task(if_even, {.workers = 2}).serve(many);
  px::pipeline().add_destination([](int) {}).serve(none);
  auto p = px::pipeline()
               .add_task(px::background<std::optional<int>(int)>(even), {.workers = 2})
               .add_task(px::background<px::generator<int>(int)>(many), {.workers = 2})
               .add_task([](int n) { return n; }, {.workers = 1});
  p.start();
  p.feed_chunk(std::views::iota(0, 7));
  auto const sum = p.join();
  BOOST_TEST((sorted_results(p) == std::vector<int>{2, 2, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6}));
  BOOST_TEST(sum.failed == 0u);
  auto q = px::pipeline().add_destination(px::background<void(int)>(none), {.workers = 1});
  q.start();
  q.feed_chunk(std::views::iota(0, 10));
  BOOST_TEST(q.join().out == 10u);
}

BOOST_AUTO_TEST_CASE(results_that_are_not_wanted_do_not_come_back) {
  served s;
  auto const at = s.at("many.sock");
  px::pipeline().add_task(copies).serve(at);
  auto p = px::pipeline().add_destination(px::background<void(int)>(at), {.workers = 1});
  p.start();
  p.feed(1000);
  BOOST_TEST(p.join().out == 1u);
}

BOOST_AUTO_TEST_CASE(an_item_of_several_parts_and_a_key_arrive_whole) {
  served s;
  auto const at = s.at("pairs.sock");
  px::pipeline().add_task([](std::string t, int n) { return t + std::to_string(n); }, {.workers = 2, .key = [](std::string const& t, int) { return t; }}).serve(at);
  auto p = px::pipeline()
               .add_task([](int n) { return std::pair(std::string("n"), n); }, {.workers = 1})
               .add_task(px::background<std::string(std::string, int)>(at), {.workers = 1});
  p.start();
  p.feed_chunk(std::views::iota(0, 3));
  (void)p.join();
  BOOST_TEST((sorted_results(p) == std::vector<std::string>{"n0", "n1", "n2"}));
}

BOOST_AUTO_TEST_CASE(other_items_and_other_functions_are_refused_in_words) {
  served s;
  auto const at = s.at("even.sock");
  px::pipeline().add_task(if_even).serve(at);
  px::connection mine(at);
  BOOST_CHECK_EXCEPTION(mine.call<std::optional<int>>("item", std::string("2")), px::protocol_error,
                        [](auto const& e) { return e.code() == px::errc::signature_mismatch; });
  BOOST_CHECK_EXCEPTION(mine.call<int>("square", 2), px::protocol_error,
                        [](auto const& e) { return e.code() == px::errc::unknown_task; });
  BOOST_TEST(mine.call<std::optional<int>>("item", 2).value() == 2);
}

BOOST_AUTO_TEST_CASE(many_programs_feed_it_and_each_gets_its_own) {
  served s;
  auto const at = s.at("shout.sock");
  px::pipeline().add_task(shout, {.workers = 2}).serve(at);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 6; ++c)
      clients.emplace_back([&, c] {
        px::connection mine(at);
        for (int i = 0; i < 100; ++i) {
          std::string const text = std::to_string(c) + "-" + std::to_string(i) + "x";
          right += mine.call<std::string>("item", text) == text.substr(0, text.size() - 1) + "X";
        }
      });
  }
  BOOST_TEST(right == 600);
}

BOOST_AUTO_TEST_CASE(once_the_daemon_has_gone_items_fail) {
  served s;
  auto const at = s.at("shout.sock");
  px::pipeline().add_task(shout, {.workers = 1}).serve(at);
  auto p = px::pipeline().add_task(px::background<std::string(std::string)>(at), {.workers = 1});
  p.start();
  p.feed("a");
  for (auto const& r : p.as_completed()) {
    BOOST_TEST(r == "A");
    break;
  }
  px::stop_daemon(at);
  BOOST_TEST(!fs::exists(at));
  p.feed("b");
  BOOST_TEST(p.join().failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_is_not_there_is_told_at_the_start) {
  served s;
  auto p = px::pipeline().add_task(px::background<int(int)>(s.path / "nobody.sock"));
  BOOST_CHECK_THROW(p.start(), px::connection_error);
}

static int slowly(int n) { return std::this_thread::sleep_for(std::chrono::milliseconds(n)), n; }

BOOST_AUTO_TEST_CASE(many_items_are_under_way_at_once_and_leave_in_order_where_asked) {
  served s;
  auto const at = s.at("slow.sock");
  px::pipeline().add_task(slowly, {.workers = 8}).serve(at);
  auto p = px::pipeline().add_task(px::background<int(int)>(at), {.ordered = true}).add_task([](int n) { return n; }, {.here = true});
  p.start();
  for (int i = 0; i < 64; ++i) p.feed(40 - i % 8 * 5);
  (void)p.join();
  int i = 0;
  for (int const n : p.as_completed()) BOOST_TEST(n == 40 - i++ % 8 * 5);
  BOOST_TEST(i == 64);
  BOOST_TEST(p.explain().find("task 1, at " + at.string() + ", in order: 64 in, 64 out") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_item_that_takes_too_long_there_is_stopped_here) {
  served s;
  auto const at = s.at("slow.sock");
  px::pipeline().add_task(slowly, {.workers = 2}).serve(at, {.drain = std::chrono::milliseconds(1)});
  auto p = px::pipeline().add_task(px::background<int(int)>(at), {.task_timeout = std::chrono::milliseconds(300)});
  p.start();
  p.feed(1);
  p.feed(100'000);
  p.feed(2);
  auto const sum = p.join();
  BOOST_TEST(sum.failed == 1u);
  BOOST_TEST((sorted_results(p) == std::vector<int>{1, 2}));
  BOOST_CHECK_THROW(std::rethrow_exception(p.failures().at(0).error), px::task_timeout);
}

BOOST_AUTO_TEST_CASE(stopped_with_items_under_way_there_it_leaves_nothing_here) {
  served s;
  auto const at = s.at("slow.sock");
  px::pipeline().add_task(slowly, {.workers = 2}).serve(at, {.drain = std::chrono::milliseconds(1)});
  auto p = px::pipeline().add_task([](int n) { return n; }, {.workers = 1}).add_task(px::background<int(int)>(at));
  p.start();
  for (int i = 0; i < 1000; ++i) p.feed(100'000);
  p.stop();
  BOOST_TEST(p.join().out == 0u);
}

BOOST_AUTO_TEST_CASE(a_pipeline_that_runs_cannot_be_served) {
  served s;
  auto p = px::pipeline().add_task(if_even);
  p.start();
  BOOST_CHECK_THROW(std::move(p).serve(s.at("x.sock")), px::sequence_error);
}

BOOST_AUTO_TEST_SUITE_END()
