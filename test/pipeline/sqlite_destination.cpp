#define BOOST_TEST_MODULE sqlite_destination
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/sqlite_destination.hpp>
#include <procx/procx.hpp>

#include "support/destination_rows.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"
#include "support/small_disk.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

std::string const insert_number = "INSERT INTO numbers VALUES (?)";
px::sqlite_destination_options const number_table{.schema = "CREATE TABLE IF NOT EXISTS numbers (n INTEGER UNIQUE)"};
px::sqlite_destination_options impatient() {
  auto options = number_table;
  options.patience = 20ms;
  return options;
}

struct folder : scratch_directory {
  std::string const file = path / "some.db";

  /// Of the first column of the first row.
  std::string value(std::string const& query) const {
    SQLite::Database db(file);
    SQLite::Statement row(db, query);
    BOOST_REQUIRE(row.executeStep());
    return row.getColumn(0).getString();
  }
  std::string count() const { return value("SELECT count(*) FROM numbers"); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite, folder)

BOOST_AUTO_TEST_CASE(members_of_a_row_are_columns) {
  {
    px::sqlite_destination<visit> db(file, "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)",
                                     {.schema = "CREATE TABLE visits (time, path, seconds, what, robot, raw)"});
    db({{"s", 0, 1}, {{-5, std::string("a\0b", 3), 1.5, kind::page, true, {std::byte{0}, std::byte{255}}}, {6, "", {}, kind::page, false, {}}}});
    db.finish();
  }
  BOOST_TEST(value("SELECT time || ',' || hex(path) || ',' || seconds || ',' || what || ',' || robot || ',' || hex(raw) FROM visits") ==
             "-5,610062,1.5,7,1,00FF");
  BOOST_TEST(value("SELECT group_concat(typeof(time) || typeof(path) || typeof(seconds) || typeof(what) || typeof(robot) || typeof(raw)) "
                   "FROM visits") == "integertextrealintegerintegerblob,integertextnullintegerintegerblob");
}

BOOST_AUTO_TEST_CASE(tuples_and_single_values_are_rows_too) {
  {
    px::sqlite_destination<std::tuple<int, std::string>> pairs(file, "INSERT INTO pairs VALUES (?, ?)",
                                                               {.schema = "CREATE TABLE pairs (n, s)", .name = "pairs"});
    px::sqlite_destination<std::string> words(file, "INSERT INTO words VALUES (?)", {.schema = "CREATE TABLE words (s)", .name = "words"});
    pairs({{"s", 0, 1}, {{1, "one"}, {2, "two"}}});
    pairs.finish();
    words({{"s", 0, 1}, {"three"}});  // the same part of the same input: of another pipeline
    words.finish();
  }
  BOOST_TEST(value("SELECT group_concat(n || s) FROM pairs") == "1one,2two");
  BOOST_TEST(value("SELECT s FROM words") == "three");
}

BOOST_AUTO_TEST_CASE(a_function_may_write_a_batch_to_several_tables) {
  {
    px::sqlite_destination<int> db(file,
                                   [](px::sqlite_transaction& to, px::batch<int> const& rows) {
                                     for (int const n : rows.rows) to.run(n % 2 ? "INSERT INTO odd VALUES (?)" : "INSERT INTO even VALUES (?)", n);
                                     to.run("UPDATE total SET n = n + ?", rows.rows.size());
                                   },
                                   {.schema = "CREATE TABLE odd (n); CREATE TABLE even (n); CREATE TABLE total (n); INSERT INTO total VALUES (0)"});
    db(numbers(0, {1, 2, 3}));
    db(numbers(1, {4, 5}));
    db.finish();
  }
  BOOST_TEST(value("SELECT group_concat(n) FROM odd") == "1,3,5");
  BOOST_TEST(value("SELECT group_concat(n) FROM even") == "2,4");
  BOOST_TEST(value("SELECT n FROM total") == "5");
}

BOOST_AUTO_TEST_CASE(what_is_done_is_there_when_it_is_opened_again_and_parts_that_touch_are_one_row) {
  for (std::uint64_t const first : {0, 1, 2}) {
    px::sqlite_destination<int> db(file, insert_number, number_table);
    for (std::uint64_t part = first; part < 30; part += 3) {
      BOOST_TEST(!db.done().contains({"numbers", part, part + 1}));
      db(numbers(part, {static_cast<int>(part)}));
    }
    for (std::uint64_t part = 0; part <= first; ++part) db(numbers(part, {1000}));
    BOOST_TEST(db.repeated() == first + 1);
    db.finish();
  }
  BOOST_TEST(count() == "30");
  BOOST_TEST(value("SELECT count(*) || ' ' || begins || ' ' || ends FROM procx_cursors") == "1 0 30");
}

BOOST_AUTO_TEST_CASE(a_bad_row_costs_its_batch_and_no_other) {
  px::sqlite_destination<int> db(file, insert_number, number_table);
  db(numbers(0, {1}));
  BOOST_CHECK_EXCEPTION(db(numbers(1, {2, 1})), px::destination_error,
                        says("UNIQUE constraint failed", make_error_code(boost::system::errc::invalid_argument)));
  db(numbers(2, {3}));
  db.finish();
  BOOST_TEST(value("SELECT group_concat(n) FROM numbers") == "1,3");
  px::sqlite_destination<std::uint64_t> big(file, insert_number, {.name = "big"});
  BOOST_CHECK_THROW(big({{"s", 0, 1}, {4, std::numeric_limits<std::uint64_t>::max()}}), std::out_of_range);
  big.finish();
  BOOST_TEST(value("SELECT group_concat(n) FROM numbers") == "1,3");
}

BOOST_AUTO_TEST_CASE(two_programs_that_do_the_same_at_once_do_each_part_once) {
  auto options = number_table;
  options.commit = {.linger = 0s};
  px::sqlite_destination<int> one(file, insert_number, options), other(file, insert_number, options);
  for (std::uint64_t part = 0; part < 20; ++part)
    for (auto* const db : {&one, &other})
      if (part % 3 != 0 || db == &one) (*db)(numbers(part, {static_cast<int>(part)}));
  BOOST_TEST(one.repeated() == 0u);
  BOOST_TEST(other.repeated() == 13u);
  BOOST_TEST(count() == "20");
}

BOOST_AUTO_TEST_CASE(a_database_that_another_program_has_locked_is_waited_for_and_then_told_of) {
  {
    px::sqlite_destination<int> db(file, insert_number, impatient());
    db(numbers(0, {1}));
    db.finish();
    SQLite::Database other(file, SQLite::OPEN_READWRITE);
    other.exec("BEGIN IMMEDIATE");
    auto const locked = says("some.db: another program has it locked, for longer than 20 ms", make_error_code(px::errc::busy));
    BOOST_CHECK_EXCEPTION(db(numbers(1, {2})), px::destination_error, locked);
    BOOST_CHECK_EXCEPTION(db(numbers(2, {3})), px::destination_error, locked);
    BOOST_CHECK_EXCEPTION(db.finish(), px::destination_error, locked);
    BOOST_CHECK_EXCEPTION(px::sqlite_destination<int>(file, insert_number, impatient()), px::destination_error, locked);
  }
  SQLite::Database other(file, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  std::thread soon([&] {
    std::this_thread::sleep_for(50ms);
    other.exec("ROLLBACK");
  });
  px::sqlite_destination<int> db(file, insert_number, number_table);
  soon.join();
  BOOST_TEST(!db.done().contains({"numbers", 1, 2}));
  db(numbers(1, {2}));
  db.finish();
  BOOST_TEST(count() == "2");
}

BOOST_AUTO_TEST_CASE(others_may_write_once_a_batch_has_lingered) {
  auto options = number_table;
  options.commit = {.linger = 1ms};
  px::sqlite_destination<int> db(file, insert_number, options);
  db(numbers(0, {1}));
  SQLite::Database other(file, SQLite::OPEN_READWRITE, 10'000);
  other.exec("INSERT INTO numbers VALUES (2)");  // waits for as long as the transaction is open
  BOOST_TEST(count() == "2");
}

BOOST_AUTO_TEST_CASE(what_is_no_database_is_left_as_it_is) {
  std::string const text(4096, 'x');
  std::ofstream(file) << text;
  BOOST_CHECK_EXCEPTION(px::sqlite_destination<int>(file, insert_number, number_table), px::destination_error,
                        says("is no database", make_error_code(px::errc::protocol_error)));
  std::string now;
  std::getline(std::ifstream(file) >> std::ws, now);
  BOOST_TEST(now == text);
  BOOST_CHECK_THROW(px::sqlite_destination<int>(path / "none" / "some.db", insert_number, number_table), px::destination_error);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_of_and_the_next_run_goes_on) {
  int const code = processes::code_of_fork([&] {
    small_disk disk(path, 400'000);
    if (!disk.is_there()) return 77;
    auto options = number_table;
    options.commit = {.rows = 500, .linger = 1h};
    std::uint64_t part = 0;
    auto const next = [&] {
      std::vector<int> rows;
      for (int i = 0; i < 100; ++i) rows.push_back(static_cast<int>(part * 100) + i);
      return numbers(part, rows);
    };
    {
      px::sqlite_destination<int> db(file, insert_number, options);
      try {
        for (; part < 100'000; ++part) db(next());
        return 1;
      } catch (px::destination_error const& e) {
        CHILD_CHECK(e.code() == boost::system::errc::no_space_on_device);
        CHILD_CHECK(std::string(e.what()).find("full") != std::string::npos);
      }
      try {
        db.finish();
        return 2;
      } catch (px::destination_error const&) {
      }
    }
    disk.grow(100'000'000);
    std::uint64_t const parts = part + 100;
    {
      px::sqlite_destination<int> db(file, insert_number, options);
      auto const done = db.done().ranges("numbers");
      CHILD_CHECK(done.size() == 1 && done[0].begin == 0 && done[0].end % 5 == 0 && done[0].end <= part && done[0].end + 5 > part);
      for (part = 0; part < parts; ++part) db(next());
      db.finish();
    }
    CHILD_CHECK(count() == std::to_string(parts * 100));
    CHILD_CHECK(value("SELECT max(n) - min(n) + 1 FROM numbers") == std::to_string(parts * 100));
    CHILD_CHECK(value("PRAGMA integrity_check") == "ok");
    return 0;
  });
  if (code == 77) BOOST_TEST_MESSAGE("no file system may be mounted here");
  BOOST_TEST((code == 0 || code == 77), code);
}

BOOST_AUTO_TEST_CASE(a_pipeline_fills_a_table_and_its_bad_batch_is_a_failed_item) {
  px::sqlite_destination<int> db(file, insert_number, number_table);
  auto p = px::pipeline()
               .add_task([](int n) { return px::batch<int>{{"numbers", static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(n) + 1}, {n / 2 * 2 + (n > 1)}}; },
                         {.workers = 2, .ordered = true})
               .add_destination(std::ref(db), {.here = true, .name = "numbers"});
  p.start();
  p.feed_chunk(std::vector<int>{0, 1, 2, 4, 6});
  auto const s = p.join();
  BOOST_TEST(s.out == 4u);
  BOOST_TEST(s.failed == 1u);
  BOOST_TEST(p.failures().front().stage == "numbers");
  BOOST_TEST(p.failures().front().item == 1u);
  BOOST_TEST(p.failures().front().what().find("UNIQUE") != std::string::npos);
  BOOST_TEST(value("SELECT group_concat(n) FROM numbers") == "0,3,5,7");
}

BOOST_AUTO_TEST_SUITE_END()
