#define BOOST_TEST_MODULE pipelines_page
#include <boost/test/unit_test.hpp>

#include <procx/procx.hpp>

#include "support/scratch.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace px = procx;
using namespace std::chrono_literals;

//[
void words(std::string const& line, px::emit<std::string> out) {
  std::istringstream in(line);
  for (std::string word; in >> word;) out(word);
}
std::optional<std::string> without_short(std::string word) {
  return word.size() < 4 ? std::nullopt : std::optional(std::move(word));
}
//]

BOOST_AUTO_TEST_SUITE(pipelines_page)

BOOST_AUTO_TEST_CASE(items_go_through_stages) {
  std::pair<std::size_t, std::string> longest;
  //[
  auto p = px::pipeline()
               .add_origin(words, {.workers = 2})
               .add_task(without_short)
               .add_task([](std::string const& word) { return std::pair(word, word.size()); })
               .add_destination([&](std::string const& word, std::size_t size) { longest = std::max(longest, {size, word}); },
                                {.here = true});
  p.start();
  p.feed("the quick brown fox");
  p.feed("jumps over the lazy dog");
  px::pipeline_summary const s = p.join();
  //]
  BOOST_TEST(longest.second == "quick");
  BOOST_TEST(s.in == 2u);
  BOOST_TEST(s.added == 7u);
  BOOST_TEST(s.out == 5u);
  BOOST_TEST(s.dropped == 4u);
}

struct connection {
  explicit connection(std::string) {}
  int store(int n) { return ++stored, n; }
  void commit() {}
  int stored = 0;
};

BOOST_AUTO_TEST_CASE(a_connection_is_made_once) {
  //[
  auto saved = px::pipeline().add_task([](int n, connection& db) { return db.store(n); }, {.workers = 2},
                                       [] { return connection("numbers"); }, [](connection& db) { db.commit(); });
  //]
  saved.start();
  saved.feed_chunk(std::views::iota(0, 10));
  BOOST_TEST(saved.join().out == 10u);
}

struct order {
  int customer, number;
};
static order book(order o) { return o; }

BOOST_AUTO_TEST_CASE(a_key_keeps_the_order_of_what_belongs_together) {
  //[
  auto booked = px::pipeline().add_task(book, {.workers = 4, .key = &order::customer});
  //]
  booked.start();
  for (int i = 0; i < 100; ++i) booked.feed(order{i % 3, i});
  (void)booked.join();
  int last[3] = {-1, -1, -1};
  for (order const o : booked.as_completed()) {
    BOOST_TEST(last[o.customer] < o.number);
    last[o.customer] = o.number;
  }
}

struct sum {
  void operator()(int n) { all += n; }
  void finish() { written = all; }
  int all = 0, written = 0;
};
static int parse(std::string const& line) { return std::stoi(line); }

BOOST_AUTO_TEST_CASE(a_pipeline_drains_after_a_signal) {
  sum totals;
  std::istringstream in("1\n2\n3\n");
  //[
  px::stop_on_signals();
  auto p = px::pipeline({.drain = 10s}).add_origin(parse, {.workers = 2}).add_destination(std::ref(totals), {.here = true});
  p.start();
  p.feed_chunk(px::lines(in));
  (void)p.join();  // after Ctrl-C: all that was read is in the totals
  //]
  BOOST_TEST(totals.written == 6);
}

BOOST_AUTO_TEST_CASE(failures_say_where) {
  std::ostringstream out;
  //[
  auto p = px::pipeline().add_task([](int n) { return n == 13 ? throw std::runtime_error("unlucky") : n; }, {.name = "picky"});
  p.start();
  p.feed_chunk(std::views::iota(0, 20));
  (void)p.join();
  for (px::pipeline_failure const& f : p.failures()) out << f.stage << ", item " << f.item << ": " << f.what() << '\n';
  for (int n : p.as_completed(px::skip_failures)) out << n << ' ';
  //]
  BOOST_TEST(out.str().starts_with("picky, item 13: "));
  BOOST_TEST(out.str().find("unlucky") != std::string::npos);
  BOOST_TEST(out.str().find(" 13 ") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_sends_to_another) {
  //[
  auto errors = px::pipeline("errors").add_task([](std::string const& line) { return "bad: " + line; });
  auto parsed = px::pipeline().add_task([](std::string const& line) -> std::optional<int> {
    if (line.find_first_not_of("0123456789") == line.npos) return std::stoi(line);
    px::send("errors", line);
    return std::nullopt;
  });
  errors.start();
  parsed.start();
  for (std::string line : {"17", "seventeen", "4"}) parsed.feed(line);
  (void)parsed.join();
  (void)errors.join();
  //]
  int sum = 0;
  for (int n : parsed.as_completed()) sum += n;
  BOOST_TEST(sum == 21);
  std::vector<std::string> bad;
  for (std::string const& s : errors.as_completed()) bad.push_back(s);
  BOOST_TEST(bad == std::vector<std::string>{"bad: seventeen"}, boost::test_tools::per_element());
}

static std::string upper(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return std::toupper(c); });
  return s;
}
static std::string exclaim(std::string s) { return s + '!'; }

BOOST_AUTO_TEST_CASE(a_pipeline_lives_elsewhere) {
  scratch_directory const folder;
  auto const at = folder.path / "shout.sock";
  //[
  px::pipeline("shout").add_task(upper, {.workers = 2}).add_task(exclaim).serve(at);

  auto mine = px::pipeline()
                  .add_task(px::background<std::string(std::string)>(at))
                  .add_destination([](std::string const& s) { return s.size(); });
  //]
  mine.start();
  for (std::string s : {"a", "bc"}) mine.feed(s);
  BOOST_TEST(mine.join().out == 2u);
  BOOST_TEST(px::connect(at).call<std::string>("item", std::string("hey")) == "HEY!");
  px::stop_daemon(at);
}

BOOST_AUTO_TEST_SUITE_END()
