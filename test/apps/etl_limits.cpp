#define BOOST_TEST_MODULE etl_limits
#include "apps/etl_fixture.hpp"
#include "apps/small_disk.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_FIXTURE_TEST_SUITE(etl_limits, etl_fixture)

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_and_nothing_is_lost_or_counted_twice) {
  small_disk disk(path("disk"), "600k");
  if (!disk) return;
  std::string const text = log(60'000, {"--rate", "3", "--invalid", "0.01"}), there = path("disk") / "db";
  contents const expected = undisturbed({write("log", text)});
  auto const run_there = [&] { return etl(run_arguments({path("log")}, {"--commit", "0", "--chunk", "32"}, there)); };
  ended const e = run_there();
  BOOST_TEST_INFO(e.err);
  BOOST_TEST(e.code == 2);
  BOOST_TEST((contains(e.err, "no space left") || contains(e.err, "No space left")));
  disk.remount(0, "size=100m");
  {
    SQLite::Database db(there, SQLite::OPEN_READWRITE);
    BOOST_TEST(db.execAndGet("PRAGMA integrity_check").getString() == "ok");
    std::int64_t const done = db.execAndGet("SELECT coalesce(sum(lines), 0) FROM files").getInt64();
    BOOST_TEST(done < 60'000);
    BOOST_TEST(done == db.execAndGet("SELECT (SELECT coalesce(sum(requests), 0) FROM statuses) + "
                                     "(SELECT coalesce(sum(lines), 0) FROM invalid)").getInt64());
  }
  BOOST_TEST(run_there().code == 0);
  check_same(contents_of(there), expected);
  BOOST_TEST((read(there + "-invalid.tsv") == read(path("undisturbed-invalid.tsv"))));
}

BOOST_AUTO_TEST_CASE(a_database_that_another_program_has_locked_is_waited_for_and_then_told) {
  std::string const text = log(3000);
  write("log", lines_of(text, 0, 1500));
  BOOST_TEST(run({path("log")}).code == 0);
  contents const before = contents_of();
  write("log", text);
  SQLite::Database other(database(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  ended const e = run({path("log")}, {"--wait", "0.2"});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "another program is using the database"));
  other.exec("ROLLBACK");
  check_same(contents_of(), before);

  other.exec("BEGIN IMMEDIATE");
  program waiting(command(run_arguments({path("log")}, {"--wait", "60"}, database())));
  BOOST_TEST(eventually([&] { return descendants(waiting.pid()).size() >= 2; }));
  other.exec("ROLLBACK");
  BOOST_TEST(waiting.wait().code == 0);
  check_same(contents_of(), undisturbed({path("log")}));
}

BOOST_AUTO_TEST_CASE(a_page_that_cannot_be_written_is_told_and_what_was_counted_stays) {
  ended const e = run({write("log", log(100))}, {"-r", path("none") / "page.html"});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "cannot write"));
  BOOST_TEST(requests() == 100);
}

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_log) {
  // Every line asks for another path, from another agent, with another referrer.
  std::string text;
  for (int i = 0; i < 120'000; ++i) {
    char line[300];
    std::snprintf(line, sizeof line, "192.0.%d.%d - - [10/Oct/2025:%02d:%02d:%02d +0000] \"GET /%d-path HTTP/1.1\" 200 10 \"http://x/%d\" \"Firefox/%d\" 0.01\n",
                  i / 250 % 250, i % 250, i / 3600 / 4 % 24, i / 240 % 60, i / 4 % 60, i, i, i);
    text += line;
  }
  BOOST_TEST(run({write("log", text)}, {"--chunk", "64"}).code == 0);
  BOOST_TEST(requests() == 120'000);
  BOOST_TEST(number("SELECT count(*) FROM pages") <= 20'000);
  BOOST_TEST(number("SELECT count(*) FROM agents") <= 10'000);
  BOOST_TEST(number("SELECT floor FROM top_lists WHERE name = 'pages'") <= 120'000 / 10'000);
  BOOST_TEST(number("SELECT count(*) FROM pages WHERE views - excess <> 1") == 0);
  BOOST_TEST(number("SELECT count(*) FROM all_sessions") == 120'000);
  BOOST_TEST(number("SELECT count(*) FROM open_sessions") < 20'000);
}

BOOST_AUTO_TEST_SUITE_END()
