// What a database says is compared with what is counted here in the plainest way.
#define BOOST_TEST_MODULE etl_counts
#include "apps/etl_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

struct request {
  std::string address, path, referrer, agent;
  std::int64_t time = 0, bytes = 0, duration = 0;
  int status = 0;
  bool robot = false, view = false;
};

/// A regular expression that is compiled once.
std::regex const& expression(char const* text) {
  static std::map<std::string, std::regex> known;
  auto const [at, is_new] = known.try_emplace(text);
  if (is_new) at->second = std::regex(text);
  return at->second;
}
bool matches(std::string const& text, char const* what) { return std::regex_search(text, expression(what)); }

request read_request(std::string const& line) {
  static std::regex const format(
      R"re(^(\S+) - - \[([^\]]+) ([+-])(\d\d)00\] "((?:[^"\\]|\\.)*)" (\d+) (\d+|-) "([^"]*)" "((?:[^"\\]|\\.)*)" (\d+)\.(\d{3})$)re");
  std::smatch m;
  BOOST_REQUIRE_MESSAGE(std::regex_match(line, m, format), line);
  request r;
  r.address = m[1];
  std::tm time = {};
  BOOST_REQUIRE(::strptime(m[2].str().c_str(), "%d/%b/%Y:%H:%M:%S", &time));
  r.time = ::timegm(&time) - (m[3] == "+" ? 1 : -1) * std::stoi(m[4]) * 3600;
  r.status = std::stoi(m[6]);
  r.bytes = m[7] == "-" ? 0 : std::stoll(m[7]);
  r.agent = m[9];
  r.duration = std::stoll(m[10]) * 1'000'000 + std::stoll(m[11]) * 1000;

  std::smatch target;
  std::string const asked = m[5];
  bool const http = std::regex_match(asked, target, expression(R"(([A-Z]+) ([^?]+)(\?.*)? HTTP/1\.1)"));
  r.path = http ? target[2].str() : "(not HTTP)";
  r.robot = r.agent == "-" || matches(r.agent, "[Bb]ot([^a-z]|$)|://|curl|python|Monitor|zgrab") ;
  if (matches(r.agent, "CUBOT")) r.robot = false;
  r.view = http && !r.robot && r.status < 400 && (matches(r.path, R"(/[^./]*$|\.(html|php)$)")) && !r.path.starts_with("/api/");
  r.referrer = std::regex_replace(m[8].str(), expression(R"(^https?://|[?#;].*$)"), "");
  return r;
}

std::vector<request> read_requests(std::string const& log) {
  std::vector<request> all;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) all.push_back(read_request(line));
  return all;
}

/// begun, seconds, requests, pages, bytes, entry, exit, robot
using visit = std::tuple<std::int64_t, std::int64_t, int, int, std::int64_t, std::string, std::string, bool>;

std::multiset<visit> visits_of(std::vector<request> const& requests) {
  struct open_visit {
    std::int64_t first = 0, last = 0, bytes = 0;
    int requests = 0, pages = 0;
    std::string entry, exit;
    bool robot = false;
    visit done() const { return {first, last - first, requests, pages, bytes, entry, exit, robot}; }
  };
  std::map<std::string, open_visit> open;
  std::multiset<visit> all;
  for (request const& r : requests) {
    if (r.robot) continue;
    auto [at, is_new] = open.try_emplace(r.address + ' ' + r.agent);
    open_visit& v = at->second;
    if (!is_new && (r.time > v.last + 1800 || r.time < v.first - 1800)) {
      all.insert(v.done());
      v = {};
      is_new = true;
    }
    v.first = is_new ? r.time : std::min(v.first, r.time);
    v.last = is_new ? r.time : std::max(v.last, r.time);
    ++v.requests;
    v.bytes += r.bytes;
    v.robot = v.robot || r.path == "/robots.txt";
    if (!r.view) continue;
    ++v.pages;
    if (v.entry.empty()) v.entry = r.path;
    v.exit = r.path;
  }
  for (auto const& [who, v] : open) all.insert(v.done());
  return all;
}

std::multiset<visit> visits_in(SQLite::Database& db) {
  std::multiset<visit> all;
  SQLite::Statement rows(db, "SELECT begun, seconds, requests, pages, bytes, entry, exit, robot FROM all_sessions");
  while (rows.executeStep()) {
    auto const c = [&](int i) { return rows.getColumn(i); };
    all.insert({c(0).getInt64(), c(1).getInt64(), c(2).getInt(), c(3).getInt(), c(4).getInt64(), c(5).getString(), c(6).getString(),
                c(7).getInt() != 0});
  }
  return all;
}

struct minute {
  std::int64_t requests = 0, client_errors = 0, server_errors = 0, robots = 0, bytes = 0;
  std::vector<std::int64_t> durations;
};

void check_minutes(SQLite::Database& db, std::vector<request> const& requests, std::string const& table, std::int64_t length) {
  std::map<std::int64_t, minute> expected;
  for (request const& r : requests) {
    minute& m = expected[r.time - r.time % length];
    ++m.requests;
    m.client_errors += r.status / 100 == 4;
    m.server_errors += r.status / 100 == 5;
    m.robots += r.robot;
    m.bytes += r.bytes;
    m.durations.push_back(r.duration);
  }
  std::size_t rows = 0;
  SQLite::Statement all(db, "SELECT begin, requests, client_errors, server_errors, robots, bytes, timed, duration_us, p50_us, p90_us, p99_us FROM " + table);
  for (; all.executeStep(); ++rows) {
    auto const c = [&](int i) { return all.getColumn(i).getInt64(); };
    minute m = expected[c(0)];
    BOOST_TEST((std::vector{c(1), c(2), c(3), c(4), c(5), c(6)} ==
                std::vector{m.requests, m.client_errors, m.server_errors, m.robots, m.bytes, m.requests}));
    std::ranges::sort(m.durations);
    std::int64_t sum = 0;
    for (std::int64_t const d : m.durations) sum += d;
    BOOST_TEST(c(7) == sum);
    for (auto const& [column, share] : {std::pair(8, 0.5), {9, 0.9}, {10, 0.99}}) {
      auto const rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(m.durations.size())));
      double const real = static_cast<double>(m.durations[rank - 1]);
      BOOST_TEST(std::abs(static_cast<double>(c(column)) - real) <= real / 128);
    }
  }
  BOOST_TEST(rows == expected.size());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(etl_counts, etl_fixture)

BOOST_AUTO_TEST_CASE(a_database_says_what_is_in_the_log) {
  std::string const text = log(12'000, {"--rate", "0.7", "--seed", "3"});  // five hours: many visits, with pauses
  std::vector<request> const requests = read_requests(text);
  BOOST_TEST(run({write("log", text)}, {"--chunk", "32", "-j", "2"}).code == 0);
  SQLite::Database db(database(), SQLite::OPEN_READWRITE);
  check_minutes(db, requests, "minutes", 60);
  check_minutes(db, requests, "hours", 3600);

  auto const visits = visits_of(requests);
  BOOST_TEST(visits.size() > 500u);
  BOOST_TEST(std::ranges::count_if(visits, [](visit const& v) { return std::get<7>(v); }) > 0);
  BOOST_TEST((visits_in(db) == visits));

  std::map<std::string, std::vector<std::int64_t>> pages, errors, slow, referrers, agents, statuses;
  auto const add = [](auto& to, std::string const& key, std::vector<std::int64_t> const& what) {
    auto& sums = to[key];
    sums.resize(what.size());
    for (std::size_t i = 0; i < what.size(); ++i) sums[i] += what[i];
  };
  for (request const& r : requests) {
    if (r.view) add(pages, r.path, {1, r.bytes});
    if (r.status >= 400) add(errors, r.path, {1, r.status >= 500});
    add(slow, r.path, {r.duration, 0, 1});
    if (r.view && r.referrer != "-") add(referrers, r.referrer, {1});
    add(agents, r.agent, {1, 0, r.bytes});
    add(statuses, std::to_string(r.status), {1, r.bytes});
  }
  auto const check = [&](auto const& expected, std::string const& query) {
    std::vector<std::string> lines;
    for (auto const& [key, sums] : expected) {
      std::string line = key + '|';
      for (std::int64_t const n : sums) line += std::to_string(n) + '|';
      lines.push_back(line);
    }
    std::ranges::sort(lines);
    BOOST_TEST_INFO(query);
    BOOST_TEST(rows(db, query) == lines, boost::test_tools::per_element());
  };
  check(pages, "SELECT path, views, bytes FROM pages");
  check(errors, "SELECT path, errors, server_errors FROM error_paths");
  check(slow, "SELECT path, duration_us, excess, requests FROM slow_paths");
  check(referrers, "SELECT referrer, views FROM referrers");
  check(agents, "SELECT agent, requests, excess, bytes FROM agents");
  check(statuses, "SELECT status, requests, bytes FROM statuses");
}

BOOST_AUTO_TEST_CASE(all_is_the_same_however_the_log_is_divided) {
  std::string const text = log(20'000, {"--rate", "2", "--seed", "5", "--invalid", "0.01"});
  contents const whole = undisturbed({write("log", text)}, {"-j", "1"});
  for (std::vector<std::string> const& how : std::vector<std::vector<std::string>>{
           {"-j", "2", "--chunk", "1"}, {"-j", "3", "--chunk", "7"}, {"-j", "2", "--chunk", "300", "--commit", "0"}}) {
    BOOST_TEST_INFO_SCOPE(how[1] << " workers, chunks of " << how[3]);
    check_same(undisturbed({path("log")}, how), whole);
  }
  // Three files, given in the wrong order, one of them packed.
  write("1", lines_of(text, 0, 7000));
  write("2.gz", gzip(lines_of(text, 7000, 8000)));
  write("3", lines_of(text, 15'000, 5000));
  check_same(undisturbed({path("3"), path("1"), path("2.gz")}, {"--chunk", "16"}), whole);
}

BOOST_AUTO_TEST_CASE(servers_that_share_the_work_have_visits_in_common) {
  std::string const text = log(10'000, {"--rate", "5"});
  std::string of_one, of_other;
  std::istringstream in(text);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line); ++number) (number % 2 ? of_one : of_other) += line + '\n';
  contents const whole = undisturbed({write("log", text)});
  contents const shared = undisturbed({write("one", of_one), write("other", of_other)}, {"--chunk", "4"});
  BOOST_TEST(shared.at("minutes") == whole.at("minutes"), boost::test_tools::per_element());
  // Chunks of a few seconds each come in turn, so only which of two requests in those seconds came first is lost.
  BOOST_TEST(shared.at("all_sessions").size() == whole.at("all_sessions").size());
}

BOOST_AUTO_TEST_SUITE_END()
