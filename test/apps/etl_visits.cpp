#define BOOST_TEST_MODULE etl_visits
#include "etl/random.hpp"
#include "etl/sessions.hpp"
#include "etl/visits.hpp"

#include <boost/test/unit_test.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

struct request {
  std::uint64_t visitor = 0;
  std::int64_t time = 0;
  std::uint32_t page = 0;  ///< 1 to 3; 0: none
  bool robot = false;
};

/// begun, seconds, requests, pages, entry, exit, robot
using visit = std::tuple<std::int64_t, std::int64_t, int, int, std::string, std::string, bool>;

std::string const pages[] = {"", "/a", "/b", "/c"};

/// Lines of some visitors, with pauses of all lengths, each up to `disorder` seconds too early or late in the log.
std::vector<request> requests(std::uint64_t seed, std::int64_t disorder) {
  etl::random_numbers random(seed);
  std::vector<std::pair<std::int64_t, request>> all;
  for (std::uint64_t visitor = 1; visitor <= 40; ++visitor) {
    std::int64_t time = 1'700'000'000 + static_cast<std::int64_t>(random.below(20'000));
    for (int i = 0; i < 60; ++i) {
      time += static_cast<std::int64_t>(random.happens(0.2) ? 1500 + random.below(900) : random.below(400));
      auto const place = time + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(disorder) + 1));
      all.push_back({place, {visitor, time, static_cast<std::uint32_t>(random.below(4)), random.happens(0.01)}});
    }
  }
  std::ranges::stable_sort(all, {}, [](auto const& line) { return line.first; });
  std::vector<request> lines;
  for (auto const& [place, line] : all) lines.push_back(line);
  return lines;
}

/// In one pass over all lines.
std::multiset<visit> expected(std::vector<request> const& lines) {
  struct state {
    std::int64_t first, last;
    int requests = 0, pages = 0;
    std::string entry, exit;
    bool robot = false;
  };
  std::map<std::uint64_t, state> open;
  std::multiset<visit> all;
  auto const end = [&](state const& s) { all.insert({s.first, s.last - s.first, s.requests, s.pages, s.entry, s.exit, s.robot}); };
  for (request const& r : lines) {
    auto at = open.find(r.visitor);
    if (at != open.end() && (r.time > at->second.last + 1800 || r.time < at->second.first - 1800)) {
      end(at->second);
      open.erase(at);
      at = open.end();
    }
    if (at == open.end()) at = open.insert({r.visitor, state{r.time, r.time, 0, 0, {}, {}, false}}).first;
    state& s = at->second;
    s.first = std::min(s.first, r.time);
    s.last = std::max(s.last, r.time);
    ++s.requests;
    s.robot = s.robot || r.robot;
    if (r.page == 0) continue;
    ++s.pages;
    if (s.entry.empty()) s.entry = pages[r.page];
    s.exit = pages[r.page];
  }
  for (auto const& [visitor, s] : open) end(s);
  return all;
}

/// What a chunk of lines comes to, as far as visits are concerned.
etl::digest digest_of(std::vector<request> const& lines, std::size_t from, std::size_t to) {
  etl::digest made;
  made.text = "/a/b/c";
  for (std::uint32_t i = 0; i < 3; ++i) made.paths.push_back({{2 * i, 2}, 0, 0, 0, 0, 0, 0, 0});
  etl::visit_pieces pieces;
  for (std::size_t i = from; i < to; ++i) {
    etl::log_line line;
    line.time = lines[i].time;
    pieces.add(lines[i].visitor, line, lines[i].page, lines[i].robot);
  }
  made.visits = pieces.take();
  made.time = std::min(lines[from].time, lines[to - 1].time);
  return made;
}

std::multiset<visit> stored(SQLite::Database& database) {
  std::multiset<visit> all;
  SQLite::Statement rows(database, "SELECT begun, seconds, requests, pages, entry, exit, robot FROM all_sessions");
  while (rows.executeStep()) {
    auto const c = [&](int i) { return rows.getColumn(i); };
    all.insert({c(0).getInt64(), c(1).getInt64(), c(2).getInt(), c(3).getInt(), c(4).getString(), c(5).getString(), c(6).getInt() != 0});
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(visits_made_in_pieces_are_those_of_one_pass) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    auto const lines = requests(seed, seed % 3 == 0 ? 0 : 900);
    etl::random_numbers random(seed);
    std::size_t const most = seed % 2 ? 5 : 300;
    SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    etl::sessions::create_tables(database);
    for (std::size_t from = 0; from < lines.size();) {
      etl::sessions joined(database);  // goes on with what the one before has stored
      for (auto chunks = random.below(10); chunks > 0 && from < lines.size(); --chunks) {
        std::size_t const to = std::min(lines.size(), from + 1 + random.below(most));
        joined.add(digest_of(lines, from, to));
        from = to;
        if (random.happens(0.3)) joined.save();
      }
      joined.save();
    }
    BOOST_TEST_INFO_SCOPE("seed " << seed);
    BOOST_TEST((stored(database) == expected(lines)));
  }
}

BOOST_AUTO_TEST_CASE(a_pause_of_half_an_hour_is_none_and_a_second_more_is_one) {
  for (std::int64_t const more : {0, 1}) {
    std::vector<request> const lines{{7, 1'700'000'000, 1, false}, {7, 1'700'001'800 + more, 2, false}};
    for (std::size_t const middle : {1, 2}) {
      SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      etl::sessions::create_tables(database);
      etl::sessions joined(database);
      joined.add(digest_of(lines, 0, middle));
      if (middle == 1) joined.add(digest_of(lines, 1, 2));
      joined.save();
      BOOST_TEST(stored(database).size() == static_cast<std::size_t>(1 + more));
    }
  }
}

BOOST_AUTO_TEST_CASE(visits_that_are_over_leave_the_memory) {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  etl::sessions::create_tables(database);
  etl::sessions joined(database);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    std::vector<request> const lines{{i, 1'700'000'000 + static_cast<std::int64_t>(i) * 60, 1, false}};
    joined.add(digest_of(lines, 0, 1));
  }
  joined.save();
  BOOST_TEST(database.execAndGet("SELECT count(*) FROM open_sessions").getInt() < 80);
  BOOST_TEST(database.execAndGet("SELECT count(*) FROM all_sessions").getInt() == 1000);
}
