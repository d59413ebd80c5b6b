#define BOOST_TEST_MODULE files
#include <boost/test/unit_test.hpp>

#include <procx/pipeline/cursor.hpp>
#include <procx/pipeline/each_line.hpp>
#include <procx/pipeline/file_parts.hpp>
#include <procx/pipeline/files.hpp>
#include <procx/pipeline/read_blocks.hpp>
#include <procx/pipeline/stream_blocks.hpp>
#include <procx/procx.hpp>

#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;

namespace {

struct folder : scratch_directory {
  std::string write(std::string const& name, std::string const& text, std::ios::openmode how = std::ios::trunc) const {
    std::ofstream((path / name), std::ios::binary | how) << text;
    return path / name;
  }
  std::string append(std::string const& name, std::string const& text) const { return write(name, text, std::ios::app); }
  /// Compressed; each text a member of its own.
  std::string write_gzip(std::string const& name, std::vector<std::string> const& texts) const {
    std::string const file = path / name;
    fs::remove(file);
    for (std::string const& text : texts) {
      write("plain", text);
      BOOST_REQUIRE(std::system(("gzip -c '" + (path / "plain").string() + "' >> '" + file + "'").c_str()) == 0);
    }
    fs::remove(path / "plain");
    return file;
  }
};

std::string read_all(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Lines of many lengths, some empty, each another one.
std::string some_lines(std::size_t count, unsigned seed = 1, std::size_t longest = 200) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += std::to_string(i) + '.' + std::to_string(seed);
    text.append(random() % longest, static_cast<char>('a' + random() % 26));
    text += '\n';
  }
  return text;
}

/// Reads all parts, notes each as done, and gives the lines with the names of their files.
std::multimap<std::string, std::string> run(std::vector<std::string> const& paths, px::done_parts& done,
                                            px::file_parts_options options = {.part_size = 1000}) {
  std::multimap<std::string, std::string> all;
  options.done = done;
  for (px::file_part const& part : px::file_parts(paths, options))
    px::for_each_block(part, [&](px::text_block const& b) {
      for (px::text_line const& line : px::lines(b)) all.emplace(fs::path(b.name).filename(), line.text);
      BOOST_CHECK_NO_THROW(done.add(b.from));
    });
  return all;
}

std::vector<std::string> of(std::multimap<std::string, std::string> const& all, std::string const& name) {
  std::vector<std::string> lines;
  for (auto [at, end] = all.equal_range(name); at != end; ++at) lines.push_back(at->second);
  return lines;
}

std::vector<std::string> split(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> lines_of(std::string const& path, px::file_parts_options options = {}) {
  px::done_parts none;
  return of(run({path}, none, std::move(options)), fs::path(path).filename());
}

auto each = boost::test_tools::per_element();
using ranges = std::vector<px::done_parts::range>;
using strings = std::vector<std::string>;

}  // namespace

namespace procx::inline v1 {
static std::ostream& operator<<(std::ostream& out, done_parts::range const& r) { return out << r.begin << '-' << r.end; }
}

BOOST_AUTO_TEST_SUITE(done)

BOOST_AUTO_TEST_CASE(parts_that_touch_become_one_in_whatever_order_they_come) {
  std::vector<px::cursor> parts;
  for (std::uint64_t i = 0; i < 50; ++i) parts.push_back({"a", i * 10, i * 10 + 10});
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::ranges::shuffle(parts, std::mt19937(seed));
    px::done_parts done;
    std::map<std::uint64_t, std::uint64_t> stored;  // as a table would have it
    for (px::cursor const& p : parts) {
      BOOST_TEST(!done.overlaps(p));
      px::done_parts::change const c = done.add(p);
      for (std::uint64_t const begin : c.removed) BOOST_TEST(stored.erase(begin) == 1u);
      stored[c.added.at(0).begin] = c.added.at(0).end;
      BOOST_TEST(done.contains(p));
      BOOST_TEST(stored.size() == done.ranges("a").size());
    }
    BOOST_TEST(done.ranges("a") == (ranges{{0, 500}}), each);
    BOOST_TEST(stored.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_lies_between_what_was_done) {
  px::done_parts done;
  done.add({"a", 10, 20});
  done.add({"a", 30, 40});
  done.add({"b", 0, 100});
  BOOST_TEST(done.missing("a", 0, 50) == (ranges{{0, 10}, {20, 30}, {40, 50}}), each);
  BOOST_TEST(done.missing("a", 15, 35) == (ranges{{20, 30}}), each);
  BOOST_TEST(done.missing("b", 0, 100).empty());
  BOOST_TEST(done.missing("c", 0, 5) == (ranges{{0, 5}}), each);
  BOOST_TEST(done.overlaps({"a", 15, 25}));
  BOOST_TEST(!done.contains({"a", 15, 25}));
  BOOST_TEST(!done.overlaps({"a", 20, 30}));
  BOOST_TEST(done.contains({"a", 12, 18}));
}

BOOST_AUTO_TEST_CASE(a_part_of_which_some_was_done_is_refused_and_an_empty_one_says_nothing) {
  px::done_parts done;
  done.add({"a", 10, 20});
  BOOST_CHECK_THROW(done.add({"a", 15, 25}), std::invalid_argument);
  BOOST_CHECK_THROW(done.add({"a", 12, 14}), std::invalid_argument);
  BOOST_CHECK_THROW(done.add({"a", 30, 25}), std::invalid_argument);
  done.add({"", 0, 5});
  done.add({"a", 15, 15});
  BOOST_TEST(!done.contains({"", 0, 5}));
  BOOST_TEST(!done.contains({"a", 15, 15}));
  BOOST_TEST(done.sources() == strings{"a"}, each);
}

BOOST_AUTO_TEST_CASE(what_was_done_and_batches_can_be_sent) {
  px::done_parts done;
  done.add({"a", 10, 20});
  px::done_parts const copy = px::decode_portable<px::done_parts>(px::encode_portable(done));
  BOOST_TEST(copy.ranges("a") == (ranges{{10, 20}}), each);
  px::batch<std::pair<int, std::string>> const rows{{"a", 1, 2}, {{3, "three"}}};
  auto const back = px::decode_portable<px::batch<std::pair<int, std::string>>>(px::encode_portable(rows));
  BOOST_TEST((back.from == rows.from));
  BOOST_TEST((back.rows == rows.rows));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(parts, folder)

BOOST_AUTO_TEST_CASE(parts_of_any_size_give_the_lines_of_the_file) {
  std::string const text = some_lines(300);
  for (std::string const end : {"", "no line feed"}) {
    std::string const file = write("some.txt", text + end);
    for (std::size_t const size : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{1} << 20, std::size_t{0}})
      BOOST_TEST(lines_of(file, {.part_size = size}) == split(text + end), each);
  }
}

BOOST_AUTO_TEST_CASE(lines_know_where_they_are) {
  std::string const text = some_lines(100);
  std::string const file = write("some.txt", text);
  for (px::file_part const& part : px::file_parts({file}, {.part_size = 500}))
    px::for_each_block(part, [&](px::text_block const& b) {
      for (px::text_line const& line : px::lines(b)) BOOST_TEST(text.substr(line.offset, line.text.size()) == line.text);
    });
}

BOOST_AUTO_TEST_CASE(nuls_long_lines_and_carriage_returns_are_kept_and_the_latter_cut_on_demand) {
  std::string const nul("a\0b", 3), dos = "one\r\ntwo\r\n\r\nfour\r";
  std::string const file = write("some.txt", nul + '\n' + std::string(3 << 20, 'x') + "\n\n" + dos);
  BOOST_TEST(lines_of(file) == (strings{nul, std::string(3 << 20, 'x'), "", "one\r", "two\r", "\r", "four\r"}), each);
  px::text_block const b{"", {"s", 0, dos.size()}, dos};
  strings cut;
  for (px::text_line const& line : px::lines(b, px::carriage_return::cut)) cut.emplace_back(line.text);
  BOOST_TEST(cut == (strings{"one", "two", "", "four\r"}), each);
}

BOOST_AUTO_TEST_CASE(empty_files_give_nothing_and_what_cannot_be_read_is_a_problem_of_its_own) {
  strings problems;
  px::done_parts done;
  ::mkfifo((path / "fifo").c_str(), 0600);
  auto const all = run({write("a", "1\n"), write("empty", ""), path / "none", path, path / "fifo", write("b", "2\n")}, done,
                       {.on_problem = [&](px::file_error const& e) { problems.push_back(e.what()); }});
  BOOST_TEST(all.size() == 2u);
  BOOST_REQUIRE(problems.size() == 3u);
  BOOST_TEST(problems[0].find("none: cannot be opened: No such file") != std::string::npos, problems[0]);
  BOOST_TEST(problems[1].find("is a directory") != std::string::npos, problems[1]);
  BOOST_TEST(problems[2].find("is no regular file") != std::string::npos, problems[2]);
  BOOST_CHECK_THROW(run({path / "none"}, done), px::file_error);
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_a_problem_and_what_is_before_it_is_read) {
  std::string const file = write("long", "short\n" + std::string(100'000, 'x') + "\nbehind\n");
  px::done_parts done;
  strings problems;
  auto const all = run({file}, done, {.part_size = 4, .longest_line = 50'000,
                                      .on_problem = [&](px::file_error const& e) { problems.push_back(e.what()); }});
  BOOST_TEST(of(all, "long") == strings{"short"}, each);
  BOOST_REQUIRE(problems.size() == 1u);
  BOOST_TEST(problems[0].find("a line of more than 50000 bytes") != std::string::npos, problems[0]);
}

BOOST_AUTO_TEST_CASE(what_was_done_is_left_out_whatever_the_size_of_parts_is_then) {
  std::string const text = some_lines(400);
  std::string const file = write("some.txt", text);
  std::vector<px::file_part> parts;
  for (px::file_part const& p : px::file_parts({file}, {.part_size = 1000})) parts.push_back(p);
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::ranges::shuffle(parts, std::mt19937(seed));
    px::done_parts done;
    strings lines;
    for (std::size_t i = 0; i < parts.size() / 2; ++i)
      px::for_each_block(parts[i], [&](px::text_block const& b) {
        for (px::text_line const& line : px::lines(b)) lines.emplace_back(line.text);
        done.add(b.from);
      });
    for (auto const& [name, line] : run({file}, done, {.part_size = 300 + 500 * seed})) lines.push_back(line);
    strings expected = split(text);
    std::ranges::sort(lines);
    std::ranges::sort(expected);
    BOOST_TEST(lines == expected, each);
    BOOST_TEST(run({file}, done).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_has_grown_goes_on_from_its_end) {
  px::done_parts done;
  std::string const file = write("a", "1\n2\n");
  BOOST_TEST(run({file}, done).size() == 2u);
  append("a", "3\n");
  BOOST_TEST(of(run({file}, done), "a") == strings{"3"}, each);
  append("a", "4");
  BOOST_TEST(run({file}, done, {.leave_unfinished_line = true}).empty());
  append("a", "4\n5");
  BOOST_TEST(of(run({file}, done, {.leave_unfinished_line = true}), "a") == strings{"44"}, each);
  BOOST_TEST(of(run({file}, done), "a") == strings{"5"}, each);
  append("a", "\n6\n");
  BOOST_TEST(of(run({file}, done), "a") == strings{"6"}, each);
  BOOST_TEST(done.sources().size() == 1u);
  append("a", "7");
  BOOST_TEST(of(run({file}, done), "a") == strings{"7"}, each);
  append("a", "rest\n8\n");
  BOOST_TEST(of(run({file}, done), "a") == (strings{"rest", "8"}), each);
}

BOOST_AUTO_TEST_CASE(a_file_is_known_under_another_name_and_another_file_under_its_name_is_new) {
  px::done_parts done;
  std::string const log = write("log", "1\n2\n");
  BOOST_TEST(run({log}, done).size() == 2u);
  append("log", "3\n");
  fs::rename(log, path / "log.1");
  write("log", "1\n4\n");  // it even begins as the other one
  auto const all = run({log, path / "log.1"}, done);
  BOOST_TEST(of(all, "log") == (strings{"1", "4"}), each);
  BOOST_TEST(of(all, "log.1") == strings{"3"}, each);
  BOOST_TEST(run({log, path / "log.1"}, done).empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_written_anew_is_the_same_if_it_begins_the_same_and_is_long_enough) {
  for (auto const& [lines, is_known] : {std::pair{200, true}, std::pair{20, false}}) {
    px::done_parts done;
    std::string const text = some_lines(static_cast<std::size_t>(lines)), log = write("log", text);
    BOOST_TEST(run({log}, done).size() == split(text).size());
    fs::copy_file(log, path / "new");
    append("new", "more\n");
    fs::rename(path / "new", log);
    BOOST_TEST(of(run({log}, done), "log") == split((is_known ? "" : text) + "more\n"), each);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_with_another_name_is_the_same_if_it_is_long_and_the_original_is_not_there) {
  px::done_parts done;
  std::string const text = some_lines(1000), log = write("log", text), copy = path / "log.1";
  BOOST_TEST(run({log}, done).size() == 1000u);
  fs::copy_file(log, copy);
  append("log.1", "more\n");
  {
    px::done_parts both = done;
    BOOST_TEST(of(run({log, copy}, both), "log.1") == split(text + "more\n"), each);
    BOOST_TEST(run({log, copy}, both).empty());
  }
  write("log", "other\n" + text);
  auto const all = run({log, copy}, done);
  BOOST_TEST(of(all, "log") == split("other\n" + text), each);
  BOOST_TEST(of(all, "log.1") == strings{"more"}, each);
  BOOST_TEST(run({log, copy}, done).empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_was_cut_is_told_of_one_that_was_emptied_is_new_and_links_are_one_file) {
  px::done_parts done;
  std::string const text = some_lines(1000), file = write("a", text);
  fs::create_hard_link(file, path / "hard");
  fs::create_symlink(file, path / "soft");
  BOOST_TEST(run({file, path / "hard", path / "soft"}, done).size() == 1000u);
  fs::resize_file(file, 80'000);
  BOOST_CHECK_EXCEPTION(run({file}, done), px::file_error, [](px::file_error const& e) {
    return std::string(e.what()).find("has been cut: ") != std::string::npos;
  });
  BOOST_TEST(run({file}, done, {.on_problem = [](px::file_error const&) {}}).empty());
  fs::resize_file(file, 0);  // as logrotate does with copytruncate
  append("a", "1\n2\n");
  BOOST_TEST(of(run({file}, done), "a") == (strings{"1", "2"}), each);
}

BOOST_AUTO_TEST_CASE(a_file_that_vanishes_shrinks_or_is_replaced_fails_where_it_is_read) {
  std::string const file = write("a", "1\n2\n");
  auto const ignore = [](px::text_block const&) {};
  px::file_part const part = *px::file_parts({file}).begin();
  append("a", "3\n");
  BOOST_CHECK_NO_THROW(px::for_each_block(part, ignore));
  fs::resize_file(file, 2);
  BOOST_CHECK_EXCEPTION(px::for_each_block(part, ignore), px::file_error, [](px::file_error const& e) {
    return std::string(e.what()).find("it ends at 2, before 4") != std::string::npos;
  });
  write("b", "1\n2\n");
  fs::rename(path / "b", file);
  BOOST_CHECK_EXCEPTION(px::for_each_block(part, ignore), px::file_error, [](px::file_error const& e) {
    return std::string(e.what()).find("replaced") != std::string::npos;
  });
  fs::remove(file);
  BOOST_CHECK_THROW(px::for_each_block(part, ignore), px::file_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(gzip, folder)

BOOST_AUTO_TEST_CASE(several_members_are_one_file_and_blocks_hold_whole_lines) {
  std::string const text = some_lines(3000);
  std::string const file = write_gzip("a.log", {text.substr(0, 1234), "", text.substr(1234)});
  BOOST_TEST(lines_of(file, {.part_size = 5000}) == split(text), each);
  px::file_part const part = *px::file_parts({file}, {.part_size = 5000}).begin();
  px::for_each_block(part, [&](px::text_block const& b) {
    BOOST_TEST(b.bytes.size() < 5000u + 300u);
    if (b.bytes.empty()) return;
    BOOST_TEST(text.substr(b.from.begin, b.from.end - b.from.begin) == b.bytes);
    BOOST_TEST(b.bytes.back() == '\n');
  });
  append("a.log", std::string(1000, '\0'));  // as on a tape
  BOOST_TEST(lines_of(file) == split(text), each);
}

BOOST_AUTO_TEST_CASE(a_file_that_was_done_is_not_read_again_and_one_that_was_begun_goes_on) {
  std::string const text = some_lines(3000);
  std::string const file = write_gzip("a.gz", {text});
  px::file_part const part = *px::file_parts({file}, {.part_size = 5000}).begin();
  px::done_parts done;
  strings lines;
  int n = 0;
  px::for_each_block(part, [&](px::text_block const& b) {
    if (n++ % 3 == 0) return;
    for (px::text_line const& line : px::lines(b)) lines.emplace_back(line.text);
    done.add(b.from);
  });
  BOOST_TEST(n > 20);
  for (auto const& [name, line] : run({file}, done, {.part_size = 12'000})) lines.push_back(line);
  strings expected = split(text);
  std::ranges::sort(lines);
  std::ranges::sort(expected);
  BOOST_TEST(lines == expected, each);
  px::file_parts rest({file}, {.done = done});
  BOOST_TEST((rest.begin() == rest.end()));
  append("a.gz", read_all(write_gzip("b.gz", {"another member\n"})));
  BOOST_TEST(of(run({file}, done), "a.gz") == strings{"another member"}, each);
  BOOST_TEST(run({file}, done).empty());
}

BOOST_AUTO_TEST_CASE(one_that_is_cut_off_gives_its_whole_lines_and_then_fails_wherever_it_was_cut) {
  std::string const text = some_lines(300);
  std::string const whole = read_all(write_gzip("whole.gz", {text.substr(0, 9000), text.substr(9000)}));
  strings const expected = split(text);
  for (std::size_t size = 3; size < whole.size(); size += 97) {
    std::string const file = write("cut.gz", whole.substr(0, size));
    px::done_parts done;
    strings problems;
    strings lines;
    px::file_part const part = *px::file_parts({file}, {.part_size = 700}).begin();
    BOOST_CHECK_EXCEPTION(px::for_each_block(part, [&](px::text_block const& b) {
      for (px::text_line const& line : px::lines(b)) lines.emplace_back(line.text);
      done.add(b.from);
    }), px::file_error, [&](px::file_error const& e) {
      return std::string(e.what()).find("cut.gz: is cut off at byte " + std::to_string(size)) != std::string::npos;
    });
    BOOST_REQUIRE(lines.size() < expected.size());
    BOOST_TEST(std::ranges::equal(lines, expected | std::views::take(lines.size())));
    // The rest comes, and the run goes on.
    append("cut.gz", whole.substr(size));
    auto const rest = of(run({file}, done), "cut.gz");
    BOOST_TEST(std::ranges::equal(rest, expected | std::views::drop(lines.size())));
  }
}

BOOST_AUTO_TEST_CASE(damage_and_foreign_bytes_are_told_of) {
  std::string const file = write_gzip("a.gz", {some_lines(300)});
  std::string bytes = read_all(file);
  bytes[bytes.size() / 2] ^= 1;
  write("a.gz", bytes);
  BOOST_CHECK_EXCEPTION(lines_of(file), px::file_error,
                        [](px::file_error const& e) { return std::string(e.what()).find("is damaged") != std::string::npos; });
  std::string const foreign = write_gzip("b.gz", {"1\n"});
  append("b.gz", "what is that?");
  BOOST_CHECK_EXCEPTION(lines_of(foreign), px::file_error,
                        [](px::file_error const& e) { return std::string(e.what()).find("not compressed") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(empty_content_is_done_too) {
  std::string const file = write_gzip("a.gz", {""});
  px::done_parts done;
  BOOST_TEST(run({file}, done).empty());
  px::file_parts rest({file}, {.done = done});
  BOOST_TEST((rest.begin() == rest.end()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(finding, folder)

BOOST_AUTO_TEST_CASE(names_directories_and_patterns_give_each_file_once_and_sorted) {
  fs::create_directories(path / "d/e");
  for (char const* name : {"b.log", "a.log", "d/c.log", "d/e/x.txt", "odd[1].log"}) write(name, "1\n");
  std::string const at = path.string() + '/';
  BOOST_TEST(px::files({at + "*.log", at + "a.log"}) == (strings{at + "a.log", at + "b.log", at + "odd[1].log"}), each);
  BOOST_TEST(px::files({at + "odd[1].log"}) == strings{at + "odd[1].log"}, each);
  BOOST_TEST(px::files({at + "d"}) == (strings{at + "d/c.log", at + "d/e/x.txt"}), each);
  BOOST_TEST(px::files({at + "{a,b}.log"}) == (strings{at + "a.log", at + "b.log"}), each);
  BOOST_CHECK_THROW(px::files({at + "*.none"}), px::file_error);
  BOOST_CHECK_THROW(px::files({at + "none"}), px::file_error);
}

BOOST_AUTO_TEST_CASE(links_that_lead_in_a_circle_are_followed_once) {
  fs::create_directories(path / "d/e");
  write("d/e/file", "1\n");
  fs::create_directory_symlink(path / "d", path / "d/e/up");
  fs::create_directory_symlink("self", path / "d/self");
  fs::create_directory_symlink(path / "d/e", path / "twice");
  fs::create_symlink("file", path / "d/e/link");
  fs::create_symlink("nowhere", path / "d/e/broken");
  auto const names = [&](px::walk_options const& options) {
    strings all;
    for (std::string const& f : px::walk(path, options)) all.push_back(fs::path(f).lexically_relative(path));
    return all;
  };
  BOOST_TEST(names({}) == (strings{"d/e/file", "d/e/link"}), each);
  BOOST_TEST(names({.follow_links = true}) == (strings{"d/e/file", "d/e/link"}), each);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_read_is_told_of_and_passed_over) {
  BOOST_CHECK_THROW(px::walk(path / "none").begin(), px::file_error);
  fs::create_directories(path / "closed");
  write("open", "1\n");
  fs::permissions(path, fs::perms::all);
  fs::permissions(path / "closed", fs::perms::none);
  BOOST_TEST(processes::code_of_fork([&] {
    if (::geteuid() == 0) CHILD_CHECK(::setuid(65534) == 0);  // root reads all
    strings problems, all;
    for (std::string const& f : px::walk(path, {.on_problem = [&](px::file_error const& e) { problems.push_back(e.what()); }})) all.push_back(f);
    CHILD_CHECK(all == strings{path / "open"});
    CHILD_CHECK(problems.size() == 1 && problems[0].find("closed: cannot be read: Permission denied") != std::string::npos);
    return 0;
  }) == 0);
  fs::permissions(path / "closed", fs::perms::owner_all);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(blocks)

BOOST_AUTO_TEST_CASE(a_stream_is_read_in_blocks_of_whole_lines) {
  for (std::string const end : {"", "no line feed"}) {
    std::string const text = some_lines(300) + end;
    for (std::size_t const size : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, text.size(), text.size() + 1, std::size_t{0}}) {
      std::istringstream in(text);
      std::string all;
      for (px::text_block const& b : px::blocks(in, "numbers", size)) {
        BOOST_TEST((b.from == px::cursor{"numbers", all.size(), all.size() + b.bytes.size()}));
        all += b.bytes;
        BOOST_TEST((b.bytes.back() == '\n' || all.size() == text.size()));
      }
      BOOST_TEST(all == text);
      BOOST_TEST(in.eof());
    }
  }
  std::istringstream nothing;
  px::stream_blocks none = px::blocks(nothing);
  BOOST_TEST((none.begin() == none.end()));
}

BOOST_AUTO_TEST_CASE(a_function_of_a_line_is_a_stage_for_blocks) {
  px::text_block const b{"", {"s", 100, 111}, "1\r\n22\n\n333"};
  auto sizes = px::each_line([](std::string_view line) { return line.size(); });
  BOOST_TEST((sizes(b).from == b.from));
  BOOST_TEST(sizes(b).rows == (std::vector<std::size_t>{2, 2, 0, 3}), each);
  auto offsets = px::each_line([](px::text_line const& line) { return line.text.empty() ? std::nullopt : std::optional(line.offset); },
                               px::carriage_return::cut);
  BOOST_TEST(offsets(b).rows == (std::vector<std::uint64_t>{100, 103, 107}), each);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_CASE(a_pipeline_reads_plain_and_compressed_files_in_its_workers, folder) {
  std::string const text = some_lines(5000);
  std::vector<std::string> paths{write("a", text), write_gzip("b.gz", {text}), write("c", "")};
  auto p = px::pipeline().add_origin(px::read_blocks, {.workers = 2}).add_task(px::each_line([](std::string_view line) { return std::string(line); }));
  p.start();
  p.feed_chunk(px::file_parts(paths, {.part_size = 20'000}));
  BOOST_TEST(p.join().failed == 0u);
  px::done_parts done;
  strings lines, expected = split(text + text);
  for (auto const& rows : p.as_completed()) {
    done.add(rows.from);
    lines.insert(lines.end(), rows.rows.begin(), rows.rows.end());
  }
  std::ranges::sort(lines);
  std::ranges::sort(expected);
  BOOST_TEST(lines == expected, each);
  BOOST_TEST(run(paths, done).empty());

  auto one_by_one = px::pipeline().add_origin(px::read_lines).add_task([](std::string const& line) { return line.size(); });
  one_by_one.start();
  one_by_one.feed_chunk(px::file_parts(paths));
  BOOST_TEST(one_by_one.join().out == 10'000u);
}
