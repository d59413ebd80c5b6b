#pragma once

#include "apps/program.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <zlib.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;

/// All that a database says, but for what the files are called and where they lie.
using contents = std::map<std::string, std::vector<std::string>>;

/// A directory for one test, with logs and databases in it.
class etl_fixture {
 public:
  etl_fixture() : home_(make_directory()) {}
  ~etl_fixture() {
    std::error_code ignored;
    fs::remove_all(home_, ignored);
  }

  fs::path const& home() const { return home_; }
  fs::path path(std::string const& name) const { return home_ / name; }
  fs::path database() const { return path("db"); }
  fs::path set_aside() const { return path("db-invalid.tsv"); }

  fs::path write(std::string const& name, std::string const& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string read(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  static std::string gzip(std::string const& text) {
    z_stream stream = {};
    BOOST_REQUIRE(::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string packed(::deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<unsigned>(text.size());
    stream.next_out = reinterpret_cast<unsigned char*>(packed.data());
    stream.avail_out = static_cast<unsigned>(packed.size());
    BOOST_REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    return packed;
  }

  static std::vector<std::string> command(std::vector<std::string> const& args) {
    std::vector<std::string> all{PROCX_TEST_SUPPORT "/procx-etl"};
    all.insert(all.end(), args.begin(), args.end());
    return all;
  }
  static ended etl(std::vector<std::string> const& args) { return program(command(args)).wait(); }
  /// The arguments of a run into a database.
  std::vector<std::string> run_arguments(std::vector<std::string> const& logs, std::vector<std::string> const& more, fs::path const& to) const {
    std::vector<std::string> args{"run", "-d", to};
    args.insert(args.end(), more.begin(), more.end());
    args.insert(args.end(), logs.begin(), logs.end());
    return args;
  }
  ended run(std::vector<std::string> const& logs, std::vector<std::string> const& more = {}) const {
    return etl(run_arguments(logs, more, database()));
  }
  /// With standard input from a command of the shell.
  ended run_from(std::string const& shell, std::vector<std::string> const& more = {}) const {
    std::string line = shell + " | " PROCX_TEST_SUPPORT "/procx-etl run -d " + database().string();
    for (std::string const& word : more) line += ' ' + word;
    return program({"/bin/sh", "-c", line + " -"}).wait();
  }
  /// A log of so many lines, without flawed ones unless `more` says so.
  std::string log(std::uint64_t lines, std::vector<std::string> const& more = {}) const {
    std::vector<std::string> args{"generate", "-n", std::to_string(lines)};
    args.insert(args.end(), more.begin(), more.end());
    if (std::ranges::find(more, "--invalid") == more.end()) args.insert(args.end(), {"--invalid", "0"});
    ended const e = etl(args);
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 0);
    return e.out;
  }

  static contents contents_of(fs::path const& database) {
    SQLite::Database db(database, SQLite::OPEN_READWRITE);
    contents all;
    for (std::string const table : {"minutes", "hours", "statuses", "pages", "error_paths", "slow_paths", "referrers", "agents", "all_sessions", "top_lists"})
      all[table] = rows(db, "SELECT * FROM " + table);
    all["invalid"] = rows(db, "SELECT reason, lines FROM invalid");
    all["lines"] = rows(db, "SELECT sum(lines) FROM files");
    return all;
  }
  contents contents_of() const { return contents_of(database()); }
  /// What a run comes to that nothing disturbs.
  contents undisturbed(std::vector<std::string> const& logs, std::vector<std::string> const& more = {}) const {
    fs::path const other = path("undisturbed");
    for (char const* const end : {"", "-wal", "-shm", "-invalid.tsv"}) fs::remove(other.string() + end);
    ended const e = etl(run_arguments(logs, more, other));
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 0);
    return contents_of(other);
  }
  std::int64_t number(std::string const& query) const {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE, 10'000);
    return db.execAndGet(query).getInt64();
  }
  std::int64_t requests() const { return number("SELECT coalesce(sum(requests), 0) FROM statuses"); }

  static std::vector<std::string> rows(SQLite::Database& database, std::string const& query) {
    std::vector<std::string> all;
    SQLite::Statement statement(database, query);
    while (statement.executeStep()) {
      std::string row;
      for (int i = 0; i < statement.getColumnCount(); ++i) row += statement.getColumn(i).getString() + '|';
      all.push_back(std::move(row));
    }
    std::ranges::sort(all);
    return all;
  }

 private:
  static fs::path make_directory() {
    std::string name = fs::temp_directory_path() / "procx-etl.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name.data()));
    return name;
  }

  fs::path home_;
};

inline bool contains(std::string const& text, std::string const& part) { return text.find(part) != text.npos; }

/// Says which table is different, and a row that only one has.
inline void check_same(contents const& is, contents const& expected) {
  for (auto const& [table, rows] : expected) {
    auto const& there = is.at(table);
    std::vector<std::string> different;
    std::ranges::set_symmetric_difference(there, rows, std::back_inserter(different));
    BOOST_TEST(different.empty(), table << ": " << different.size() << " rows differ, one is " << (different.empty() ? "" : different.front().substr(0, 300)));
  }
}

/// So many lines of a text, from a number on.
inline std::string lines_of(std::string const& text, std::size_t first, std::size_t count) {
  std::size_t begin = 0;
  for (; first > 0; --first) begin = text.find('\n', begin) + 1;
  std::size_t end = begin;
  for (; count > 0 && end < text.size(); --count) end = text.find('\n', end) + 1;
  return text.substr(begin, end - begin);
}
