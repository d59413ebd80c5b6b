#define BOOST_TEST_MODULE destinations_page
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/each_line.hpp>
#include <procx/pipeline/file_parts.hpp>
#include <procx/pipeline/files.hpp>
#include <procx/pipeline/lines_destination.hpp>
#include <procx/pipeline/postgres_destination.hpp>
#include <procx/pipeline/read_blocks.hpp>
#include <procx/pipeline/sqlite_destination.hpp>
#include <procx/pipeline/stream_blocks.hpp>
#include <procx/procx.hpp>

#include "support/postgres_server.hpp"
#include "support/scratch.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace px = procx;

//[
struct visit {
  std::uint64_t offset;
  std::string path;
  int status;
};

std::optional<visit> parse(px::text_line const& line) {  // "/index.html 200"
  std::size_t const space = line.text.rfind(' ');
  visit v{line.offset, std::string(line.text.substr(0, space)), 0};
  if (space == line.text.npos) return std::nullopt;
  std::from_chars(line.text.data() + space + 1, line.text.data() + line.text.size(), v.status);
  return v;
}
//]

namespace {

/// Each case has a folder of its own with some logs, and works there.
struct page : scratch_directory {
  page() {
    std::filesystem::create_directory(path / "logs");
    std::ofstream(path / "logs/a.log") << "/index.html 200\n/nowhere 404\nwhat?\n";
    std::ofstream(path / "logs/b.log") << "/index.html 200\n";
    std::filesystem::current_path(path);
  }
  ~page() { std::filesystem::current_path(old_folder); }

  std::filesystem::path const old_folder = std::filesystem::current_path();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(destinations_page, page)

BOOST_AUTO_TEST_CASE(logs_go_into_a_table_once) {
  for (std::uint64_t const new_parts : {2u, 0u}) {
    //[
    px::sqlite_destination<visit> db("visits.db", "INSERT INTO visits VALUES (?, ?, ?)",
                                     {.schema = "CREATE TABLE IF NOT EXISTS visits (offset INTEGER, path TEXT, status INTEGER)"});
    auto p = px::pipeline()
                 .add_origin(px::read_blocks)
                 .add_task(px::each_line(parse))
                 .add_destination(std::ref(db), {.here = true});
    p.start();
    p.feed_chunk(px::file_parts(px::files({"logs"}), {.done = db.done()}));
    px::pipeline_summary const s = p.join();
    //]
    BOOST_TEST(s.in == new_parts);
    BOOST_TEST(s.failed == 0u);
  }
  SQLite::Database db("visits.db");
  BOOST_TEST(db.execAndGet("SELECT group_concat(offset || path || status) FROM (SELECT * FROM visits ORDER BY path, offset)").getString() ==
             "0/index.html200,0/index.html200,16/nowhere404");
}

BOOST_AUTO_TEST_CASE(one_large_file_that_is_compressed_has_a_stage_of_its_own) {
  BOOST_TEST(std::system("gzip logs/a.log") == 0);
  px::lines_destination<visit> out("visits.csv", [](visit const& v) { return v.path + ',' + std::to_string(v.status); });
  //[
  auto p = px::pipeline()
               .add_origin(px::read_blocks, {.workers = 1})
               .add_task(px::each_line(parse), {.workers = 4})
               .add_destination(std::ref(out), {.here = true});
  p.start();
  p.feed_chunk(px::file_parts({"logs/a.log.gz"}, {.done = out.done()}));
  //]
  BOOST_TEST(p.join().failed == 0u);
  std::ifstream in("visits.csv");
  std::string line;
  BOOST_TEST((std::getline(in, line) && line == "/index.html,200"));
}

BOOST_AUTO_TEST_CASE(problems_of_files_are_told_of) {
  std::ostringstream err;
  std::vector<std::string> const names{"logs/a.log", "logs/none.log"};
  auto p = px::pipeline().add_origin(px::read_lines).add_task([](std::string const& line) { return line.size(); });
  p.start();
  //[
  p.feed_chunk(px::file_parts(names, {.on_problem = [&](px::file_error const& e) { err << e.what() << '\n'; }}));
  //]
  BOOST_TEST(p.join().out == 3u);
  BOOST_TEST(err.str() == "logs/none.log: cannot be opened: No such file or directory\n");
}

BOOST_AUTO_TEST_CASE(a_stream_comes_in_blocks) {
  std::istringstream in("/index.html 200\n/nowhere 404\n");
  auto p = px::pipeline().add_origin(px::each_line(parse)).add_task([](px::batch<visit> const& b) { return b.rows.size(); });
  p.start();
  //[
  p.feed_chunk(px::blocks(in));
  //]
  (void)p.join();
  for (std::size_t n : p.as_completed()) BOOST_TEST(n == 2u);
}

BOOST_AUTO_TEST_CASE(sqlite_with_a_function) {
  px::batch<visit> const two{{"log", 0, 10}, {{0, "/index.html", 200}, {5, "/nowhere", 404}}};
  {
    //[
    px::sqlite_destination<visit> db(
        "totals.db",
        [](px::sqlite_transaction& to, px::batch<visit> const& visits) {
          for (visit const& v : visits.rows)
            to.run("INSERT INTO totals VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET visits = visits + 1", v.path);
        },
        {.schema = "CREATE TABLE IF NOT EXISTS totals (path TEXT PRIMARY KEY, visits INTEGER)", .name = "totals"});
    //]
    db(two);
    db({{"log", 10, 20}, {{10, "/nowhere", 404}}});
  }
  SQLite::Database db("totals.db");
  BOOST_TEST(db.execAndGet("SELECT visits FROM totals WHERE path = '/nowhere'").getInt() == 2);
}

BOOST_AUTO_TEST_CASE(postgres_and_lines) {
  postgres_server server;
  std::string const where = server.where();  // "host=/run/postgresql dbname=web"
  //[
  px::postgres_destination<visit> db(where, "visits", {"place", "path", "status"},
                                     {.schema = "CREATE TABLE IF NOT EXISTS visits (place BIGINT, path TEXT, status INT)",
                                      .commit = {.rows = 50'000, .linger = std::chrono::seconds(5)}});
  //]
  db({{"log", 0, 10}, {{0, "/index.html", 200}}});
  db.finish();
  //[
  px::lines_destination<visit> out("visits.csv", [](visit const& v) { return v.path + ',' + std::to_string(v.status); });
  //]
  out({{"log", 0, 10}, {{0, "/index.html", 200}}});
  out.finish();
  BOOST_TEST(db.done().contains({"log", 0, 10}));
  BOOST_TEST(out.done().contains({"log", 0, 10}));
}

//[
class printer : public px::batch_store<visit> {
 public:
  px::done_parts load() override { return {}; }        // of earlier runs
  void begin(px::done_parts&) override { text_.clear(); }
  void write(px::batch<visit> const& visits) override {
    for (visit const& v : visits.rows) text_ += v.path + '\n';
  }
  void commit(std::span<px::done_parts::change const>) override { std::cout << text_; }  // and what is done, in the same step
  void roll_back() noexcept override { text_.clear(); }
  bool is_usable() const noexcept override { return true; }

 private:
  std::string text_;
};
//]

BOOST_AUTO_TEST_CASE(a_store_of_your_own) {
  std::ostringstream text;
  auto* const before = std::cout.rdbuf(text.rdbuf());
  {
    //[
    px::destination<visit> out(std::make_unique<printer>(), {.rows = 1000});
    //]
    out({{"log", 0, 10}, {{0, "/index.html", 200}}});
    out.finish();
  }
  std::cout.rdbuf(before);
  BOOST_TEST(text.str() == "/index.html\n");
}

BOOST_AUTO_TEST_SUITE_END()
