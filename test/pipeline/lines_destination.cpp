#define BOOST_TEST_MODULE lines_destination
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/lines_destination.hpp>
#include <procx/procx.hpp>

#include "support/destination_rows.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"
#include "support/small_disk.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace px = procx;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

px::lines_destination_options const at_once{.commit = {.linger = 0s}}, at_the_end{.commit = {.linger = 1h}};

px::lines_destination_options impatient() {
  auto options = at_once;
  options.patience = 20ms;
  return options;
}

struct folder : scratch_directory {
  std::string const file = path / "out.txt", journal = file + ".cursors";

  static std::string read(std::string const& name) {
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(std::string const& name, std::string const& text) { std::ofstream(name, std::ios::binary) << text; }
  std::string text() const { return read(file); }
  static std::string line_of(int n) { return "line " + std::to_string(n); }
  std::optional<px::lines_destination<int>> out;

  px::lines_destination<int>& open(px::lines_destination_options const& options = at_once) { return out.emplace(file, line_of, options); }
  /// Writes the parts that are missing of this many, each a line.
  void complete(std::uint64_t parts) {
    auto& to = open();
    for (auto const& gap : to.done().missing("numbers", 0, parts))
      for (std::uint64_t part = gap.begin; part < gap.end; ++part) to(numbers(part, {static_cast<int>(part)}));
    out.reset();
  }
  bool has_each_line_once(int count) const {
    std::multiset<std::string> expected, lines;
    for (int i = 0; i < count; ++i) expected.insert(line_of(i));
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines == expected && text().ends_with('\n');
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(lines_destinations, folder)

BOOST_AUTO_TEST_CASE(rows_are_lines_and_what_was_done_is_passed_over_later) {
  open(at_the_end)(numbers(0, {1, 2}));
  (*out)(numbers(2, {3}));
  out->finish();
  BOOST_TEST(text() == "line 1\nline 2\nline 3\n");
  out.reset();
  open()(numbers(0, {1, 2}));
  (*out)(numbers(1, {}));
  (*out)(numbers(3, {4}));
  BOOST_TEST(out->repeated() == 1u);
  BOOST_TEST(text() == "line 1\nline 2\nline 3\nline 4\n");
  BOOST_TEST(out->done().missing("numbers", 0, 4).empty());
}

BOOST_AUTO_TEST_CASE(text_is_a_line_as_it_is_unless_it_has_a_line_feed) {
  px::lines_destination<> words(file, at_once);
  words({{"s", 0, 1}, {"one", "", std::string("t\0o", 3)}});
  BOOST_CHECK_THROW(words({{"s", 1, 2}, {"three", "four\nfive"}}), std::invalid_argument);
  words({{"s", 2, 3}, {"six"}});
  BOOST_TEST(text() == std::string("one\n\nt\0o\nsix\n", 13));
  BOOST_TEST(!words.done().contains({"s", 1, 2}));
}

BOOST_AUTO_TEST_CASE(wherever_a_run_was_killed_the_next_one_has_each_line_once) {
  complete(0);
  auto const begun = fs::file_size(journal);  // before a line is written
  complete(12);
  std::string const whole = text(), cursors = read(journal);
  BOOST_TEST(has_each_line_once(12));
  for (std::size_t size = 0; size <= cursors.size(); ++size) {
    write(journal, cursors.substr(0, size));
    write(file, size < begun ? "" : whole + "half a l");
    open();
    out.reset();
    BOOST_TEST(whole.starts_with(text()));
    complete(12);
    BOOST_REQUIRE_MESSAGE(has_each_line_once(12), "with " << size << " bytes of the journal");
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_of_the_file_is_done_again) {
  complete(12);
  std::string const whole = text();
  for (std::size_t size = whole.size(); size > 0; --size) {
    fs::resize_file(file, size);
    complete(12);
    BOOST_REQUIRE_MESSAGE(has_each_line_once(12), "with " << size << " bytes of the file");
    BOOST_TEST(text() == whole);
  }
  fs::remove(file);
  complete(12);
  BOOST_TEST(text() == whole);
}

BOOST_AUTO_TEST_CASE(what_is_of_somebody_else_is_left_as_it_is) {
  write(file, "a letter\n");
  BOOST_CHECK_EXCEPTION(open(), px::destination_error, says("has content, but no journal", make_error_code(px::errc::protocol_error)));
  BOOST_TEST(text() == "a letter\n");
  write(journal, "also a letter, of more than a few words\n");
  BOOST_CHECK_EXCEPTION(open(), px::destination_error, says("is no journal", make_error_code(px::errc::protocol_error)));
  BOOST_TEST(read(journal) == "also a letter, of more than a few words\n");
  BOOST_CHECK_THROW(px::lines_destination<>(path / "none" / "out.txt"), px::destination_error);
  BOOST_CHECK_THROW(px::lines_destination<>(path.string()), px::destination_error);
}

BOOST_AUTO_TEST_CASE(a_second_program_waits_and_is_told_of) {
  open();
  BOOST_TEST(processes::code_of_fork([&] {
    try {
      px::lines_destination<>(file, impatient());
    } catch (px::destination_error const& e) {
      CHILD_CHECK(e.code() == px::errc::busy);
      CHILD_CHECK(std::string(e.what()).find("another program has it open, for longer than 20 ms") != std::string::npos);
      return 0;
    }
    return 1;
  }) == 0);
  BOOST_CHECK_THROW(px::lines_destination<>(file, impatient()), px::destination_error);
  std::thread soon([&] {
    std::this_thread::sleep_for(50ms);
    out.reset();
  });
  px::lines_destination<> second(file);
  soon.join();
  second({{"s", 0, 1}, {"one"}});
  second.finish();
  BOOST_TEST(text() == "one\n");
}

BOOST_AUTO_TEST_CASE(a_journal_stays_short_whatever_it_has_seen) {
  constexpr std::uint64_t parts = 60'000;
  auto const write_every_third = [&](std::uint64_t first) {
    auto& to = open();
    for (std::uint64_t part = first; part < parts; part += 3) to(numbers(part, {static_cast<int>(part)}));
    out.reset();
  };
  for (std::uint64_t const first : {1, 0, 2}) write_every_third(first);
  BOOST_TEST(fs::file_size(journal) < 3u << 20);
  BOOST_TEST(open().done().ranges("numbers").size() == 1u);
  out.reset();
  BOOST_TEST(has_each_line_once(parts));
  BOOST_TEST(!fs::exists(journal + ".new"));
  fs::resize_file(file, 10);  // a short one does not know of that
  BOOST_CHECK_EXCEPTION(open(), px::destination_error, says("to begin anew, remove both", make_error_code(px::errc::protocol_error)));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_of_and_leaves_nothing_half_written) {
  for (bool const is_limit : {false, true}) {
    int const code = processes::code_of_fork([&] {
      std::optional<small_disk> disk;
      if (is_limit) {
        rlimit const most{100'000, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &most);
      } else {
        disk.emplace(path, 100'000);
        if (!disk->is_there()) return 77;
      }
      std::uint64_t part = 0;
      auto const hundred = [&] {
        std::vector<int> rows(100);
        std::iota(rows.begin(), rows.end(), static_cast<int>(part) * 100);
        return numbers(part, rows);
      };
      try {
        for (open({.commit = {.rows = 300, .linger = 1h}}); part < 1000; ++part) (*out)(hundred());
        return 1;
      } catch (px::destination_error const& e) {
        CHILD_CHECK(e.code() == (is_limit ? boost::system::errc::file_too_large : boost::system::errc::no_space_on_device));
        CHILD_CHECK(std::string(e.what()).find("out.txt: cannot be written: ") != std::string::npos);
      }
      CHILD_CHECK(has_each_line_once(static_cast<int>(part / 3) * 300));
      out.reset();
      if (is_limit) {
        rlimit const most{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &most);
      } else {
        CHILD_CHECK(disk->grow(10'000'000));
      }
      for (open(), part = 0; part < 200; ++part) (*out)(hundred());
      CHILD_CHECK(out->repeated() > 0);
      CHILD_CHECK(has_each_line_once(200 * 100));
      return 0;
    });
    if (code == 77) BOOST_TEST_MESSAGE("no file system may be mounted here");
    BOOST_TEST((code == 0 || code == 77), code);
  }
}

BOOST_AUTO_TEST_CASE(a_pipeline_writes_a_file) {
  open(at_the_end);
  auto p = px::pipeline().add_task([](int n) { return numbers(static_cast<std::uint64_t>(n), {n}); }, {.workers = 2}).add_destination(std::ref(*out), {.here = true});
  p.start();
  for (int i = 0; i < 500; ++i) p.feed(i);
  BOOST_TEST(p.join().out == 500u);
  BOOST_TEST(has_each_line_once(500));
}

BOOST_AUTO_TEST_CASE(durable_commits_are_commits) {
  px::lines_destination<> words(file, {.commit = {.linger = 0s}, .durable = true});
  words({{"s", 0, 1}, {"one"}});
  BOOST_TEST(text() == "one\n");
}

BOOST_AUTO_TEST_SUITE_END()
