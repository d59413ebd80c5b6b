#define BOOST_TEST_MODULE pipeline
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/observe.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
namespace asio = boost::asio;
using namespace std::chrono_literals;

static void words(std::string const& line, px::emit<std::string> out) {
  std::istringstream in(line);
  for (std::string word; in >> word;) out(word);
}
static int twice(int n) { return 2 * n; }
static std::optional<int> if_even(int n) { return n % 2 ? std::nullopt : std::optional(n); }

static std::size_t peak_memory() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::size_t>(used.ru_maxrss) * 1024;
}

template <class Pipeline>
static auto results_of(Pipeline& p) {
  std::vector<std::ranges::range_value_t<decltype(p.as_completed())>> all;
  for (auto& r : p.as_completed()) all.push_back(std::move(r));
  return all;
}

static void check_sums(px::pipeline_summary const& s) { BOOST_TEST(s.in + s.added == s.out + s.dropped + s.failed); }

BOOST_AUTO_TEST_SUITE(pipelines)

BOOST_AUTO_TEST_CASE(origins_come_first_and_destinations_last_however_they_are_added) {
  auto p = px::pipeline()
               .add_destination([](std::string s) { return s + "!"; })
               .add_task([](std::string s) { return s + "t"; }, {.workers = 1})
               .add_origin([](std::string s) { return s + "o"; }, {.workers = 1});
  p.start();
  p.feed("x");
  auto const s = p.join();
  BOOST_TEST(s.in == 1u);
  BOOST_TEST(results_of(p) == std::vector<std::string>{"xot!"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_out_of_order_is_a_sequence_error) {
  auto p = px::pipeline().add_task(twice);
  BOOST_CHECK_THROW(p.feed(1), px::sequence_error);
  BOOST_CHECK_THROW((void)p.join(), px::sequence_error);
  BOOST_CHECK_THROW(p.as_completed(), px::sequence_error);
  p.start();
  BOOST_CHECK_THROW(p.start(), px::sequence_error);
  BOOST_CHECK_THROW((void)std::move(p).add_task(twice), px::sequence_error);
  (void)p.join();
  BOOST_CHECK_THROW(p.feed(1), px::sequence_error);
  BOOST_TEST(p.join().in == 0u);
}

BOOST_AUTO_TEST_CASE(three_stages_with_workers_of_their_own_give_exactly_what_they_were_fed) {
  auto p = px::pipeline()
               .add_task(twice, {.workers = 20, .chunk_size = 11})
               .add_task([](int n) { return n + 1; }, {.workers = 17, .chunk_size = 17})
               .add_task([](int n) { return std::to_string(n); }, {.workers = 7, .chunk_size = 9});
  p.start();
  p.feed_chunk(std::views::iota(0, 4000));
  auto const s = p.join();
  std::set<std::string> got;
  for (auto const& r : p.as_completed()) got.insert(r);
  BOOST_TEST(got.size() == 4000u);
  BOOST_TEST(got.contains("7999"));
  BOOST_TEST(s.out == 4000u);
  check_sums(s);
}

BOOST_AUTO_TEST_CASE(a_stage_gives_one_result_none_or_many) {
  for (bool apart : {false, true}) {
    px::stage_options const own = apart ? px::stage_options{.workers = 2} : px::stage_options{};
    auto p = px::pipeline()
                 .add_origin(words, {.workers = 2})
                 .add_task([](std::string const& w) { return static_cast<int>(w.size()); }, own)
                 .add_task(if_even, own)
                 .add_task([](int n) { return std::tuple(n, n * n); }, own)
                 .add_destination([](int n, int square) { return n + square; }, own);
    p.start();
    for (int i = 0; i < 100; ++i) p.feed("four six seven three");
    p.feed("");
    auto const s = p.join();
    check_sums(s);
    BOOST_TEST(s.in == 101u);
    BOOST_TEST(s.out == 100u);  // "four"
    BOOST_TEST(s.dropped == 301u);
    for (int r : p.as_completed()) BOOST_TEST(r == 20);
  }
}

static px::generator<int> countdown(int n) {
  for (int i = n; i > 0; --i) co_yield i;
  if (n == 3) throw std::runtime_error("three");
}

BOOST_AUTO_TEST_CASE(a_coroutine_gives_as_many_as_it_likes) {
  auto p = px::pipeline().add_task(countdown, {.workers = 2, .ordered = true}).add_task(twice, {.workers = 2, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 5));
  auto const s = p.join();
  check_sums(s);
  BOOST_TEST(s.failed == 1u);
  std::vector<int> got;
  for (int n : p.as_completed(px::skip_failures)) got.push_back(n);
  BOOST_TEST(got == (std::vector<int>{2, 4, 2, 6, 4, 2, 8, 6, 4, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(order_is_kept_where_it_is_asked_for) {
  auto const slowly = [](int n) {
    if (n % 7 == 0) std::this_thread::sleep_for(1ms);
    return n;
  };
  auto p = px::pipeline().add_task(slowly, {.workers = 4, .ordered = true}).add_task(if_even, {.workers = 3, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 1000));
  (void)p.join();
  int next = 0;
  for (int r : p.as_completed()) {
    BOOST_TEST(r == next);
    next += 2;
  }
  BOOST_TEST(next == 1000);
}

BOOST_AUTO_TEST_CASE(a_failure_keeps_its_place_in_the_order_and_holds_up_nothing) {
  observe::shared<std::atomic<int>> const done;
  auto p = px::pipeline().add_task([&](int n) {
    if (n % 4 == 0)
      for (bool last = false; !last; ::usleep(2000)) last = *done >= n / 4 * 3 + 3;  // the others are mostly seen before
    else
      ++*done;
    if (n % 4 == 3) throw std::runtime_error("three");
    return std::string(static_cast<std::size_t>(n), 'x');
  }, {.workers = 4, .chunk_size = 1, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 80));
  auto const s = p.drain(30s);
  BOOST_TEST(s.out == 60u);
  BOOST_TEST(s.failed == 20u);
  std::size_t next = 0;
  for (std::string const& r : p.as_completed(px::skip_failures)) {
    BOOST_TEST(r.size() == next);
    next += next % 4 == 2 ? 2 : 1;
  }
}

BOOST_AUTO_TEST_CASE(what_one_item_becomes_stays_together_in_order) {
  auto p = px::pipeline()
               .add_task([](int n, px::emit<std::pair<int, int>> out) {
                 for (int i = 0; i < n % 5; ++i) out({n, i});
               }, {.workers = 4, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 500));
  check_sums(p.join());
  std::vector<std::pair<int, int>> expected;
  for (int n = 0; n < 500; ++n)
    for (int i = 0; i < n % 5; ++i) expected.emplace_back(n, i);
  BOOST_TEST((results_of(p) == expected));
}

BOOST_AUTO_TEST_CASE(setup_and_teardown_happen_once_in_each_process) {
  struct counter {
    int uses = 0;
  };
  auto p = px::pipeline().add_task([](int n, counter& c) { return std::tuple(::getpid(), ++c.uses, n); }, {.workers = 2},
                                   [] { return counter(); }, [](counter&) { throw std::runtime_error("cannot commit"); });
  p.start();
  p.feed_chunk(std::views::iota(0, 100));
  BOOST_CHECK_THROW((void)p.join(), px::remote_exception);
  BOOST_TEST(p.join().out == 100u);
  std::map<pid_t, int> uses;
  for (auto [pid, n, item] : p.as_completed()) BOOST_TEST(n == ++uses[pid]);
}

BOOST_AUTO_TEST_CASE(an_item_that_fails_costs_no_other_and_says_where) {
  auto p = px::pipeline()
               .add_task(twice, {.name = "twice"})
               .add_task([](int n) { return n == 26 ? throw std::runtime_error("unlucky") : n; }, {.name = "picky"})
               .add_task([](int n) { if (n == 40) ::raise(SIGKILL); return n; }, {.workers = 2, .name = "fragile"});
  p.start();
  p.feed_chunk(std::views::iota(0, 100));
  auto const s = p.join();
  check_sums(s);
  BOOST_TEST(s.failed == 2u);
  auto failures = p.failures();
  std::ranges::sort(failures, {}, &px::pipeline_failure::item);
  BOOST_REQUIRE(failures.size() == 2u);
  BOOST_TEST(failures[0].stage == "picky");
  BOOST_TEST(failures[0].item == 13u);
  BOOST_TEST(failures[0].what().find("unlucky") != std::string::npos);
  BOOST_TEST(failures[1].stage == "fragile");
  BOOST_TEST(failures[1].item == 20u);
  BOOST_CHECK_THROW(std::rethrow_exception(failures[1].error), px::process_died);
  int arrived = 0;
  for (int r : p.as_completed(px::skip_failures)) arrived += r >= 0;
  BOOST_TEST(arrived == 98);
}

BOOST_AUTO_TEST_CASE(of_many_that_an_item_becomes_one_may_fail) {
  auto p = px::pipeline().add_origin(words, {.workers = 1}).add_task([](std::string const& w) { return std::stoi(w); });
  p.start();
  p.feed("1 2 three 4");
  auto const s = p.join();
  check_sums(s);
  BOOST_TEST(s.failed == 1u);
  BOOST_TEST(s.out == 3u);
  BOOST_TEST(p.failures().at(0).stage == "task 2");
}

BOOST_AUTO_TEST_CASE(a_stage_may_run_here) {
  std::vector<int> seen;
  pid_t at = 0;
  auto p = px::pipeline()
               .add_task(twice, {.workers = 2})
               .add_destination([&](int n) { seen.push_back(n), at = ::getpid(); }, {.here = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 1000));
  BOOST_TEST(p.join().out == 1000u);
  BOOST_TEST(seen.size() == 1000u);
  BOOST_TEST(at == ::getpid());
  BOOST_TEST(results_of(p).empty());
}

BOOST_AUTO_TEST_CASE(no_more_is_under_way_than_was_asked_for) {
  auto p = px::pipeline(px::pipeline_options{.max_size = 8})
               .add_task(twice, {.workers = 2})
               .add_task([](int n) { return n + 1; }, {.workers = 2});
  p.start();
  for (int i = 0; i < 2000; ++i) {
    p.feed(i);
    auto const lengths = p.queue_lengths();
    BOOST_TEST(lengths[0] + lengths[1] <= 8u + 1u);  // one may have just been counted where it goes to
  }
  BOOST_TEST(p.join().out == 2000u);
}

BOOST_AUTO_TEST_CASE(results_that_nobody_reads_wait_in_a_file) {
  auto p = px::pipeline(px::pipeline_options{.results_in_memory = 100'000})
               .add_task([](int n) { return std::string(1000, static_cast<char>('a' + n % 26)); }, {.workers = 2, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 5000));
  (void)p.join();
  int n = 0;
  for (std::string const& r : p.as_completed()) BOOST_TEST((r == std::string(1000, static_cast<char>('a' + n++ % 26))));
  BOOST_TEST(n == 5000);
}

BOOST_AUTO_TEST_CASE(a_large_item_goes_through_whole) {
  auto p = px::pipeline().add_task([](std::string s) { return s + s; }, {.workers = 1}).add_task([](std::string const& s) { return s.size(); }, {.workers = 1});
  p.start();
  p.feed(std::string(3'000'000, 'x'));
  BOOST_TEST(p.join().out == 1u);
  BOOST_TEST(results_of(p).at(0) == 6'000'000u);
}

BOOST_AUTO_TEST_CASE(what_one_item_becomes_may_be_more_than_memory_would_hold) {
  // Half a gigabyte between the two stages, of which never more than a few MB wait in the program.
  auto p = px::pipeline()
               .add_origin([](int n, px::emit<std::string> out) {
                 for (int i = 0; i < n; ++i) out(std::string(100'000, 'x'));
               }, {.workers = 1})
               .add_task([](std::string const& s, px::emit<std::size_t> out) {
                 static std::size_t sum = 0;
                 if ((sum += s.size()) % 250'000'000 == 0) out(sum);
               }, {.workers = 1});
  p.start();
  std::size_t const before = peak_memory();
  p.feed(5'000);
  BOOST_TEST(p.join().failed == 0u);
  BOOST_TEST(results_of(p) == (std::vector<std::size_t>{250'000'000, 500'000'000}), boost::test_tools::per_element());
  BOOST_TEST(peak_memory() - before < 100'000'000u);
}

BOOST_AUTO_TEST_CASE(reading_that_is_broken_off_goes_on_later) {
  auto p = px::pipeline().add_task(twice, {.workers = 1, .ordered = true});
  p.start();
  p.feed_chunk(std::views::iota(0, 100));
  int n = 0;
  for (int r : p.as_completed()) {
    BOOST_TEST(r == 2 * n);
    if (++n == 10) break;
  }
  (void)p.join();
  for (int r : p.as_completed()) BOOST_TEST(r == 2 * n++);
  BOOST_TEST(n == 100);
}

BOOST_AUTO_TEST_CASE(named_pipelines_get_what_others_send) {
  auto second = px::pipeline("second").add_task([](std::string s) { return s.size(); });
  auto first = px::pipeline().add_task([](std::string s) { px::send("second", s); }, {.workers = 2});
  second.start();
  first.start();
  for (int i = 0; i < 1000; ++i) first.feed(std::string(static_cast<std::size_t>(i % 10), 'x'));
  BOOST_TEST(first.join().out == 1000u);
  BOOST_TEST(second.join().in == 1000u);
}

BOOST_AUTO_TEST_CASE(what_is_sent_wrongly_fails_at_its_sender) {
  auto numbers = px::pipeline("numbers").add_task(twice);
  auto p = px::pipeline().add_task([](int n) {
    if (n == 0) px::send("nobody", n);
    if (n == 1) px::send("numbers", std::string("one"));
    if (n == 2) px::send("numbers", n);
    return n;
  }, {.workers = 2});
  numbers.start();
  p.start();
  p.feed_chunk(std::views::iota(0, 10));
  auto const s = p.join();
  check_sums(s);
  BOOST_TEST(s.failed == 2u);
  BOOST_TEST(numbers.join().in == 1u);
  BOOST_CHECK_THROW(px::send("nobody", 1), px::connection_error);
}

BOOST_AUTO_TEST_CASE(pipelines_that_send_in_a_circle_are_refused) {
  auto a = px::pipeline("a").add_task([](int n) { px::send("b", n); });
  auto b = px::pipeline("b").add_task([](int n) { px::send("a", n); });
  a.start();
  b.start();
  a.feed(1);
  (void)a.join();
  auto const s = b.join();
  BOOST_TEST(s.failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_name_is_one_pipelines) {
  auto a = px::pipeline("only").add_task(twice);
  auto b = px::pipeline("only").add_task(twice);
  a.start();
  BOOST_CHECK_THROW(b.start(), px::sequence_error);
}

BOOST_AUTO_TEST_CASE(destroyed_with_items_under_way_it_leaves_nothing) {
  auto p = px::pipeline().add_task([](int n) { return std::this_thread::sleep_for(1h), n; }, {.workers = 2, .grace = 0ns}).add_task(twice, {.workers = 2});
  p.start();
  p.feed_chunk(std::views::iota(0, 10));
}

BOOST_AUTO_TEST_CASE(a_stopped_pipeline_ends_for_its_readers_too) {
  auto p = px::pipeline().add_task([](int n) { return std::this_thread::sleep_for(1h), n; }, {.workers = 2, .grace = 0ns});
  p.start();
  p.feed_chunk(std::views::iota(0, 10));
  std::jthread const stopper([&] { p.stop(); });
  BOOST_TEST(results_of(p).empty());
  BOOST_CHECK_THROW(p.feed(1), px::sequence_error);
}

BOOST_AUTO_TEST_CASE(on_a_loop_of_the_users_nothing_blocks) {
  asio::io_context io;
  auto p = px::pipeline().add_task(twice, {.workers = 2, .ordered = true}).add_task(if_even, {.here = true});
  p.start(io);
  BOOST_CHECK_THROW(p.feed(1), px::sequence_error);
  BOOST_CHECK_THROW((void)p.join(), px::sequence_error);
  std::vector<int> got;
  bool joined = false;
  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 100; ++i) co_await p.async_feed(i, asio::use_awaitable);
    p.async_join([&](std::exception_ptr error) { joined = !error; });
    while (auto const n = co_await p.async_next(asio::use_awaitable)) got.push_back(*n);
  }, asio::detached);
  io.run();
  BOOST_TEST(joined);
  BOOST_TEST(got.size() == 100u);
  BOOST_TEST(std::ranges::is_sorted(got));
}

BOOST_AUTO_TEST_CASE(a_wait_for_a_result_that_is_cancelled_loses_none) {
  asio::io_context io;
  auto p = px::pipeline().add_task(twice, {.workers = 1});
  p.start(io);
  asio::cancellation_signal cancel;
  bool aborted = false;
  p.async_next(asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, std::optional<int>) {
    aborted = error != nullptr;
    p.async_feed(21, [](std::exception_ptr) {});
    p.async_next([&](std::exception_ptr, std::optional<int> n) {
      BOOST_TEST(n.value_or(0) == 42);
      p.stop();
    });
  }));
  asio::post(io, [&] { cancel.emit(asio::cancellation_type::total); });
  io.run();
  BOOST_TEST(aborted);
}

BOOST_AUTO_TEST_CASE(explain_says_what_runs_where) {
  auto p = px::pipeline("plan").add_task(twice, {.workers = 3, .name = "double"}).add_task(if_even, {.name = "even"}).add_task(twice, {.workers = 1, .ordered = true, .name = "again"});
  p.start();
  p.feed(1);
  (void)p.join();
  std::string const text = p.explain();
  BOOST_TEST(text.find("double+even, 3 processes: 1 in, 1 out") != std::string::npos);
  BOOST_TEST(text.find("again, 1 process, in order: 1 in, 1 out") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(explain_says_the_plan_before_the_start) {
  auto p = px::pipeline("plan").add_destination([](int) {}, {.here = true, .name = "write"}).add_task(twice, {.workers = 3}).add_task(twice);
  BOOST_TEST(p.explain() == "pipeline \"plan\":\n  task 1+task 2, 3 processes\n  write, here\n");
}

BOOST_AUTO_TEST_CASE(explain_says_which_stage_holds_the_others_up) {
  auto p = px::pipeline()
               .add_task([](std::string s) { return s; }, {.workers = 1, .name = "quick"})
               .add_task([](std::string s) { return std::this_thread::sleep_for(1ms), s.size(); }, {.workers = 1, .name = "slow"});
  p.start();
  for (int i = 0; i < 300; ++i) p.feed(std::string(100'000, 'x'));
  (void)p.join();
  std::string const text = p.explain();
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.find("blocked by the next") != std::string::npos);
    BOOST_TEST(text.find("The bottleneck was slow, busy") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(explain_says_which_of_the_stages_in_a_process_takes_the_time) {
  auto p = px::pipeline()
               .add_task([](int n) { return n; }, {.workers = 1, .name = "quick"})
               .add_task([](int n) { return std::this_thread::sleep_for(2ms), n; }, {.name = "slow"})
               .add_task([](int n) { return n; }, {.name = "last"});
  p.start();
  p.feed_chunk(std::views::iota(0, 100));
  (void)p.join();
  std::string const text = p.explain();
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.find(" (quick ") != std::string::npos);
    BOOST_TEST(text.find(" of that)") != std::string::npos);
    BOOST_TEST(text.find("The bottleneck was slow, busy") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_death_is_told_of_the_stage_that_died) {
  auto p = px::pipeline()
               .add_task([](int n) { return n; }, {.workers = 2})
               .add_task([](int n, px::emit<int> out) {
                 if (n == 4) ::abort();
                 out(n), out(n + 100);
                 if (n == 5) ::abort();
               }, {.name = "many"})
               .add_task([](int n) { return n == 107 ? (::abort(), n) : n; }, {.name = "last"});
  p.start();
  p.feed_chunk(std::views::iota(0, 10));
  (void)p.join();
  std::set<std::pair<std::uint64_t, std::string>> failed;
  for (auto const& f : p.failures()) failed.emplace(f.item, f.stage);
  BOOST_TEST((failed == std::set<std::pair<std::uint64_t, std::string>>{{4, "many"}, {5, "many"}, {7, "last"}}));
}

struct gatherer {
  void operator()(int n) { sum += n; }
  void finish() {
    if (std::exchange(written, sum) < 0) throw std::runtime_error("written twice");
    if (sum == 10) throw std::runtime_error("unlucky");
  }
  int sum = 0;
  int written = 0;
};

BOOST_AUTO_TEST_CASE(what_a_stage_has_gathered_it_writes_out_at_the_end) {
  for (bool const unlucky : {false, true}) {
    gatherer g;
    int ends = 0;
    auto p = px::pipeline().add_task(twice).add_destination(std::ref(g), {.here = true}, {}, [&] { ++ends; });
    p.start();
    p.feed_chunk(std::views::iota(0, 3));
    p.feed(unlucky ? 2 : 0);
    if (unlucky)
      BOOST_CHECK_EXCEPTION((void)p.join(), px::remote_exception, [](auto const& e) { return e.message() == "unlucky"; });
    else
      (void)p.join();
    BOOST_TEST(g.written == (unlucky ? 10 : 6));
    BOOST_TEST(ends == 1);
  }
}

static int scaled(int n, int by, int and_more) { return n * by + and_more; }

BOOST_AUTO_TEST_CASE(a_stage_is_bound_to_more_than_its_items) {
  auto p = px::pipeline().add_task(px::bind_back(scaled, 10, 1)).add_task(px::bind_back([](int n, std::string const& s) { return s + std::to_string(n); }, std::string("#")));
  p.start();
  p.feed(4);
  (void)p.join();
  BOOST_TEST(results_of(p).at(0) == "#41");
}

BOOST_AUTO_TEST_SUITE_END()
