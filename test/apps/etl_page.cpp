// The page is opened in a browser: what it shows is what the database says, and what a log has in it does nothing there.
#define BOOST_TEST_MODULE etl_page
#include "apps/etl_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <regex>
#include <string>
#include <vector>

namespace {

struct shown {
  std::string html;  ///< the document, once its scripts have run
  std::string log;   ///< what the browser said, the page's console included
};

struct browser_fixture : etl_fixture {
  shown open_page(fs::path const& page, std::vector<std::string> const& more = {}) const {
    std::vector<std::string> args{"/usr/bin/env", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                  "--no-first-run", "--disable-background-networking", "--enable-logging=stderr", "--v=0",
                                  "--user-data-dir=" + path("profile").string(), "--virtual-time-budget=3000", "--dump-dom"};
    args.insert(args.end(), more.begin(), more.end());
    args.push_back("file://" + page.string());
    ended const e = program(args).wait();
    BOOST_TEST(e.code == 0);
    return {e.out, e.err};
  }
};

/// The lines that the page's console got.
std::vector<std::string> console_of(shown const& page) {
  std::vector<std::string> all;
  std::istringstream in(page.log);
  for (std::string line; std::getline(in, line);)
    if (contains(line, "CONSOLE")) all.push_back(line);
  return all;
}

/// The number that an element has: one with this attribute, which is in a table if that is named.
std::int64_t value_in(std::string const& html, std::string const& attribute, std::string const& table = {}) {
  std::size_t const from = table.empty() ? 0 : html.find("id=\"" + table + '"');
  BOOST_REQUIRE_MESSAGE(from != html.npos, "there is no " << table);
  std::size_t const at = html.find(attribute, from);
  BOOST_REQUIRE_MESSAGE(at != html.npos, "there is no " << attribute << " in " << table);
  std::size_t const value = html.find("data-value=\"", at);
  return std::stoll(html.substr(value + 12));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(etl_page, browser_fixture)

BOOST_AUTO_TEST_CASE(the_page_shows_what_the_database_says) {
  BOOST_TEST(run({write("log", log(30'000, {"--rate", "3", "--invalid", "0.002"}))}, {"-r", path("page.html"), "--title", "'Logs' & <more>"}).code == 0);
  BOOST_TEST(fs::file_size(path("page.html")) < 2'000'000u);
  shown const page = open_page(path("page.html"));
  BOOST_TEST(console_of(page) == std::vector<std::string>(), boost::test_tools::per_element());
  BOOST_TEST(contains(page.html, "data-ready=\"yes\""));
  BOOST_TEST(contains(page.html, "<title>'Logs' &amp; &lt;more&gt;</title>"));

  auto const figure = [&](std::string const& name) { return value_in(page.html, "data-figure=\"" + name + '"'); };
  BOOST_TEST(figure("requests") == requests());
  BOOST_TEST(figure("errors") == number("SELECT sum(requests) FROM statuses WHERE status >= 400"));
  BOOST_TEST(figure("bytes") == number("SELECT sum(bytes) FROM statuses"));
  BOOST_TEST(figure("views") == number("SELECT sum(views) FROM pages"));
  BOOST_TEST(figure("sessions") == number("SELECT count(*) FROM all_sessions WHERE robot = 0"));
  BOOST_TEST(figure("invalid") == number("SELECT sum(lines) FROM invalid"));
  BOOST_TEST(figure("p99_us") > figure("p90_us"));

  struct list {
    char const *table, *query;
  };
  for (list const& l : {list{"pages", "SELECT path, views FROM pages ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"slow", "SELECT path, duration_us FROM slow_paths ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"errors", "SELECT path, errors FROM error_paths ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"statuses", "SELECT status, requests FROM statuses ORDER BY 2 DESC"},
                        {"referrers", "SELECT referrer, views FROM referrers ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"entries", "SELECT entry, count(*) FROM all_sessions WHERE robot = 0 AND entry IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"exits", "SELECT exit, count(*) FROM all_sessions WHERE robot = 0 AND exit IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"},
                        {"invalid", "SELECT reason, lines FROM invalid ORDER BY 2 DESC, 1 LIMIT 3"}}) {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    SQLite::Statement rows(db, l.query);
    int found = 0;
    for (; rows.executeStep(); ++found) {
      BOOST_TEST_INFO(l.table << ": " << rows.getColumn(0).getString());
      if (contains(rows.getColumn(0).getString(), "<")) continue;  // it is spelled in another way there
      BOOST_TEST(value_in(page.html, "data-key=\"" + rows.getColumn(0).getString() + '"', l.table) == rows.getColumn(1).getInt64());
    }
    BOOST_TEST(found > 2);
  }
  for (char const* const chart : {"chart-requests", "chart-errors", "chart-durations", "chart-bytes"})
    BOOST_TEST(std::regex_search(page.html, std::regex("id=\"" + std::string(chart) + "\"><div[^>]*class=\"uplot")), chart);

  // Made again of the database it is the same, but for the time and the nonce.
  BOOST_TEST(etl({"report", database(), "-o", path("again.html"), "--title", "'Logs' & <more>"}).code == 0);
  auto const data = [&](char const* name) {
    return std::regex_replace(read(path(name)), std::regex("nonce[=-]['\"]?[0-9a-f]+|\"made\":[0-9]+"), "");
  };
  BOOST_TEST((data("again.html") == data("page.html")));
}

BOOST_AUTO_TEST_CASE(what_a_log_says_is_never_run) {
  std::string const bad = "</script><script>console.error('run')</script><img src=x onerror=console.error('run')>";
  std::string const line = "192.0.2.1 - - [10/Oct/2025:13:00:00 +0000] \"GET /" + bad + " HTTP/1.1\" 200 10 \"http://x/" + bad +
                           "\" \"Firefox " + bad + "<!--\" 0.1\n";
  std::string const name = "log<img src=x onerror=console.error('run')>&";
  BOOST_TEST(run({write(name, line + line + bad + '\n')}, {"-r", path("page.html"), "--title", bad}).code == 0);
  shown const page = open_page(path("page.html"));
  BOOST_TEST(console_of(page) == std::vector<std::string>(), boost::test_tools::per_element());
  BOOST_TEST(value_in(page.html, "data-figure=\"requests\"") == 2);
  BOOST_TEST(value_in(page.html, "data-key=\"/", "slow") == 200'000);
  BOOST_TEST(!contains(page.html, "<img"));
}

BOOST_AUTO_TEST_CASE(a_page_about_nothing_is_no_error) {
  BOOST_TEST(run({write("log", "")}, {"-r", path("page.html")}).code == 0);
  shown const page = open_page(path("page.html"));
  BOOST_TEST(console_of(page) == std::vector<std::string>(), boost::test_tools::per_element());
  BOOST_TEST(value_in(page.html, "data-figure=\"requests\"") == 0);
}

BOOST_AUTO_TEST_CASE(the_console_that_is_looked_at_is_that_of_the_page) {
  shown const page = open_page(write("page.html", "<script>console.error('it is seen')</script>"));
  BOOST_REQUIRE(console_of(page).size() == 1u);
  BOOST_TEST(contains(console_of(page)[0], "it is seen"));
}

BOOST_AUTO_TEST_SUITE_END()
