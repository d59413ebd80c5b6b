#define BOOST_TEST_MODULE postgres_destination
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/postgres_destination.hpp>
#include <procx/procx.hpp>

#include "support/destination_rows.hpp"
#include "support/postgres_server.hpp"

#include <boost/test/tree/fixture.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <pqxx/pqxx>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<postgres_server> server;

struct one_server {
  void setup() { server = std::make_unique<postgres_server>(); }
  void teardown() { server.reset(); }
};

px::postgres_destination_options number_table(std::chrono::milliseconds patience = 60s) {
  return {.schema = "CREATE TABLE IF NOT EXISTS numbers (n INT UNIQUE)", .patience = patience};
}

/// A database that is empty at the beginning of each case.
struct database {
  database() { run("DROP TABLE IF EXISTS numbers, procx_cursors, texts, visits"); }

  void run(std::string const& sql) const {
    pqxx::connection c(server->where());
    pqxx::work work(c);
    work.exec(sql);
    work.commit();
  }
  std::string value(std::string const& query) const {
    pqxx::connection c(server->where());
    pqxx::work work(c);
    return work.exec1(query)[0].as<std::string>("NULL");
  }
  std::string count() const { return value("SELECT count(*) FROM numbers"); }
  std::unique_ptr<px::postgres_destination<int>> opened(px::postgres_destination_options const& options = number_table()) const {
    return std::make_unique<px::postgres_destination<int>>(server->where(), "numbers", std::vector<std::string>{"n"}, options);
  }
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(one_server);

BOOST_FIXTURE_TEST_SUITE(postgres, database)

BOOST_AUTO_TEST_CASE(members_of_a_row_are_columns) {
  px::postgres_destination<visit> db(
      server->where(), "visits", {"time", "path", "seconds", "what", "robot", "raw"},
      {.schema = "CREATE TABLE visits (time BIGINT, path TEXT, seconds FLOAT, what INT, robot BOOL, raw BYTEA)"});
  db({{"s", 0, 1}, {{-5, "a\tb\\n\nc\r\\.", 1.5, kind::page, true, {std::byte{0}, std::byte{255}}}, {6, "", {}, kind::page, false, {}}}});
  db.finish();
  BOOST_TEST(value("SELECT path FROM visits WHERE time = -5") == "a\tb\\n\nc\r\\.");
  BOOST_TEST(value("SELECT concat_ws(',', time, seconds, what, robot, encode(raw, 'hex')) FROM visits WHERE time = -5") == "-5,1.5,7,t,00ff");
  BOOST_TEST(value("SELECT concat_ws(',', time, coalesce(seconds::text, 'null'), what, robot, length(raw), length(path)) FROM visits WHERE time = 6") ==
             "6,null,7,f,0,0");
}

BOOST_AUTO_TEST_CASE(text_that_is_none_fails_its_batch_or_is_replaced) {
  std::string const schema = "CREATE TABLE IF NOT EXISTS texts (n INT, t TEXT)";
  using text = std::tuple<int, std::string>;
  {
    px::postgres_destination<text> db(server->where(), "texts", {"n", "t"}, {.schema = schema});
    db({{"s", 0, 1}, {{1, "good"}}});
    BOOST_CHECK_EXCEPTION(db({{"s", 1, 2}, {{2, "fine"}, {3, "bad \xff"}}}), px::destination_error,
                          says("invalid byte sequence", make_error_code(boost::system::errc::invalid_argument)));
    BOOST_CHECK_THROW(db({{"s", 2, 3}, {{4, std::string("\0", 1)}}}), std::invalid_argument);
    db({{"s", 3, 4}, {{5, "good"}}});
    db.finish();
    BOOST_TEST(value("SELECT string_agg(n::text, ',' ORDER BY n) FROM texts") == "1,5");
  }
  px::postgres_destination<text> db(server->where(), "texts", {"n", "t"}, {.schema = schema, .replace_invalid_text = true});
  db({{"s", 1, 2}, {{2, "fine"}, {3, "\xff|\xc3|\xe2\x82|\xed\xa0\x80|\xc0\xaf|\xf4\x90\x80\x80|\xe2\x82\xac|\xf0\x9f\x98\x80|\xc3\xa9"}}});
  db({{"s", 2, 3}, {{4, std::string("a\0b", 3)}}});
  db.finish();
  std::string const r = "\xEF\xBF\xBD";
  BOOST_TEST(value("SELECT t FROM texts WHERE n = 3") == r + '|' + r + '|' + r + '|' + r + r + r + '|' + r + r + '|' + r + r + r + r +
                                                             "|\xe2\x82\xac|\xf0\x9f\x98\x80|\xc3\xa9");
  BOOST_TEST(value("SELECT t FROM texts WHERE n = 4") == "a" + r + "b");
}

BOOST_AUTO_TEST_CASE(what_is_done_is_there_when_it_is_opened_again_and_parts_that_touch_are_one_row) {
  for (std::uint64_t const first : {0, 1, 2}) {
    auto const db = opened();
    for (std::uint64_t part = first; part < 30; part += 3) {
      BOOST_TEST(!db->done().contains({"numbers", part, part + 1}));
      (*db)(numbers(part, {static_cast<int>(part)}));
      if (part % 4 == 0) db->finish();
    }
    for (std::uint64_t part = 0; part <= first; ++part) (*db)(numbers(part, {1000}));
    BOOST_TEST(db->repeated() == first + 1);
    db->finish();
  }
  BOOST_TEST(count() == "30");
  BOOST_TEST(value("SELECT string_agg(concat_ws(' ', begins, ends), ',') FROM procx_cursors") == "0 30");
}

BOOST_AUTO_TEST_CASE(a_bad_row_costs_its_batch_and_no_other) {
  auto db = opened();
  (*db)(numbers(0, {1}));
  BOOST_CHECK_EXCEPTION((*db)(numbers(1, {2, 1})), px::destination_error,
                        says("duplicate key value", make_error_code(boost::system::errc::invalid_argument)));
  (*db)(numbers(2, {3}));
  db->finish();
  BOOST_TEST(value("SELECT string_agg(n::text, ',' ORDER BY n) FROM numbers") == "1,3");
  db.reset();
  BOOST_TEST(!opened()->done().contains({"numbers", 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_second_program_of_the_same_name_waits_and_is_told_of) {
  auto first = opened();
  BOOST_CHECK_EXCEPTION((void)opened(number_table(20ms)), px::destination_error,
                        says("another program writes as \"pipeline\"", make_error_code(px::errc::busy)));
  std::thread soon([&] {
    std::this_thread::sleep_for(50ms);
    first.reset();
  });
  auto const second = opened();
  soon.join();
  (*second)(numbers(0, {1}));
  second->finish();
  BOOST_TEST(count() == "1");
}

BOOST_AUTO_TEST_CASE(a_table_that_another_program_has_locked_is_waited_for_and_then_told_of) {
  auto db = opened(number_table(20ms));
  pqxx::connection c(server->where());
  {
    pqxx::work other(c);
    other.exec("LOCK TABLE numbers");
    BOOST_CHECK_EXCEPTION((*db)(numbers(0, {1})), px::destination_error, says("locked a table", make_error_code(px::errc::busy)));
    BOOST_CHECK_THROW(db->finish(), px::destination_error);
  }
  db.reset();
  db = opened();
  (*db)(numbers(0, {1}));
  db->finish();
  BOOST_TEST(count() == "1");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_in_the_middle_is_told_of_and_the_next_run_goes_on) {
  for (int const signal : {SIGINT, SIGQUIT}) {
    run("DROP TABLE IF EXISTS numbers, procx_cursors");
    std::uint64_t part = 0;
    auto const next = [&] { return numbers(part, {static_cast<int>(part)}); };
    auto options = number_table();
    options.commit = {.rows = 7, .linger = 1h};
    {
      auto const db = opened(options);
      for (; part < 10; ++part) (*db)(next());
      server->stop(signal);
      auto const lost = says("PostgreSQL, database postgres: the connection is lost", make_error_code(px::errc::connection_error));
      BOOST_CHECK_EXCEPTION((*db)(next()), px::destination_error, lost);
      BOOST_CHECK_EXCEPTION(opened(options), px::destination_error, says("", make_error_code(px::errc::connection_error)));
      server->start();
      BOOST_CHECK_EXCEPTION((*db)(next()), px::destination_error, lost);  // not even now: some of what it has written is lost
      BOOST_CHECK_EXCEPTION(db->finish(), px::destination_error, lost);
    }
    auto const db = opened(options);
    BOOST_TEST(db->done().missing("numbers", 0, 20).front().begin == 7u);
    for (part = 0; part < 20; ++part) (*db)(next());
    db->finish();
    BOOST_TEST(count() == "20");
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_was_started_again_between_two_transactions_is_not_met_again_by_itself) {
  auto db = opened();
  (*db)(numbers(0, {1}));
  db->finish();
  server->stop(SIGINT);
  server->start();
  BOOST_CHECK_THROW((*db)(numbers(1, {2})), px::destination_error);
  BOOST_CHECK_THROW((*db)(numbers(1, {2})), px::destination_error);
  db = opened();
  (*db)(numbers(1, {2}));
  db->finish();
  BOOST_TEST(count() == "2");
}

BOOST_AUTO_TEST_CASE(a_function_may_write_a_batch_to_several_tables) {
  px::postgres_destination<int> db(
      server->where(),
      [](px::postgres_transaction& to, px::batch<int> const& rows) {
        to.copy("numbers", {"n"}, rows.rows);
        to.work().exec("INSERT INTO texts VALUES (" + std::to_string(rows.rows.size()) + ", 'rows')");
      },
      {.schema = "CREATE TABLE numbers (n INT); CREATE TABLE texts (n INT, t TEXT)"});
  db(numbers(0, {1, 2, 3}));
  db.finish();
  BOOST_TEST(count() == "3");
  BOOST_TEST(value("SELECT n FROM texts") == "3");
}

BOOST_AUTO_TEST_CASE(a_pipeline_fills_a_table) {
  auto const db = opened();
  auto p = px::pipeline()
               .add_task([](int n) { return numbers(static_cast<std::uint64_t>(n), {n}); }, {.workers = 2})
               .add_destination(std::ref(*db), {.here = true});
  p.start();
  for (int i = 0; i < 200; ++i) p.feed(i);
  BOOST_TEST(p.join().out == 200u);
  BOOST_TEST(count() == "200");
  BOOST_TEST(value("SELECT string_agg(concat_ws(' ', begins, ends), ',') FROM procx_cursors") == "0 200");
}

BOOST_AUTO_TEST_SUITE_END()
