#define BOOST_TEST_MODULE etl_input
#include "apps/etl_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

std::string line(int second, std::string const& request = "GET /a HTTP/1.1", std::string const& agent = "Mozilla/5.0 Firefox/128.0") {
  char time[40];
  std::snprintf(time, sizeof time, "10/Oct/2025:13:%02d:%02d +0000", second / 60 % 60, second % 60);
  return std::string("192.0.2.1 - - [") + time + "] \"" + request + "\" 200 10 \"-\" \"" + agent + "\" 0.010";
}

std::string some_lines(int count, int from = 0) {
  std::string all;
  for (int i = from; i < from + count; ++i) all += line(i) + '\n';
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(etl_input, etl_fixture)

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_set_aside_with_its_place_and_reason) {
  std::string const nul = std::string("\0\0\0", 3) + line(3), bad_time = "192.0.2.1 - - [10/Foo/2025:13:00:00 +0000] \"GET / HTTP/1.1\" 200 1";
  std::string const text = some_lines(10) + "no log line\twith a tab\n" + some_lines(5) + nul + "\r\n\n" + bad_time + '\n' + some_lines(3);
  for (char const* const chunk : {"1", "1024"}) {
    fs::remove(database());
    fs::remove(set_aside());
    ended const e = run({write("log", text)}, {"--chunk", chunk});
    BOOST_TEST(e.code == 0);
    BOOST_TEST(contains(e.err, "18 lines counted, 4 set aside"));
    BOOST_TEST(requests() == 18);
    std::string const at = path("log").string() + '\t';
    auto const offset = [&](std::string const& of) { return std::to_string(text.find(of)); };
    BOOST_TEST(read(set_aside()) == at + "11\t" + offset("no log line") + "\tno time in brackets\tno log line\twith a tab\n" +
                                        at + "17\t" + offset(nul) + "\tNUL bytes\t" + nul + "\r\n" +
                                        at + "18\t" + std::to_string(text.find("\r\n\n") + 2) + "\tempty line\t\n" +
                                        at + "19\t" + offset(bad_time) + "\ttime not understood\t" + bad_time + '\n');
    BOOST_TEST(number("SELECT first_line FROM invalid WHERE reason = 'NUL bytes'") == 17);
  }
}

BOOST_AUTO_TEST_CASE(line_ends_of_all_kinds_are_understood) {
  std::string unix_ends = some_lines(50), dos_ends;
  for (char const c : unix_ends) dos_ends += c == '\n' ? std::string("\r\n") : std::string(1, c);
  unix_ends.pop_back();
  contents const whole = undisturbed({write("unix", unix_ends)});
  check_same(undisturbed({write("dos", dos_ends)}, {"--chunk", "1"}), whole);
  BOOST_TEST(run({path("unix")}).code == 0);
  BOOST_TEST(requests() == 50);
}

BOOST_AUTO_TEST_CASE(very_long_lines_are_read_and_longer_ones_set_aside) {
  std::string const megabyte = line(20, "GET /" + std::string(1'000'000, 'x') + " HTTP/1.1");
  std::string const too_long = line(30, "GET /" + std::string((4 << 20) + 100, 'y') + " HTTP/1.1");
  std::string const text = some_lines(10) + megabyte + '\n' + some_lines(10, 21) + too_long + '\n' + some_lines(10, 31) + megabyte + '\n';
  write("log", text);
  write("log.gz", gzip(text));
  for (char const* const name : {"log", "log.gz"})
    for (char const* const chunk : {"1", "1024", "16384"}) {
      BOOST_TEST_INFO_SCOPE(name << " in chunks of " << chunk);
      for (fs::path const& old : {database(), set_aside()}) fs::remove(old);
      ended const e = run({path(name)}, {"--chunk", chunk});
      BOOST_TEST(e.code == 0);
      BOOST_TEST(contains(e.err, "32 lines counted, 1 set aside"));
      std::string const aside = read(set_aside());
      BOOST_TEST(aside.size() < 5000u);
      BOOST_TEST(contains(aside, "\t22\t" + std::to_string(text.find(too_long)) + "\tline too long\t" + too_long.substr(0, 100)));
      BOOST_TEST(number("SELECT views FROM pages WHERE path LIKE '/xxx%'") == 2);
      BOOST_TEST(number("SELECT max(length(path)) FROM pages") < 300);
    }
}

BOOST_AUTO_TEST_CASE(behind_a_line_that_was_too_long_a_later_run_goes_on) {
  std::string const text = some_lines(20) + line(30, "GET /" + std::string((4 << 20) + 100, 'y') + " HTTP/1.1") + '\n';
  for (bool const packed : {false, true}) {
    auto const log_of = [&](std::string const& lines) { return write("log", packed ? gzip(lines) : lines); };
    for (fs::path const& old : {database(), set_aside()}) fs::remove(old);
    BOOST_TEST(contains(run({log_of(text)}).err, "20 lines counted, 1 set aside"));
    ended const e = run({log_of(text + some_lines(3, 40))});
    BOOST_TEST(e.code == 0);
    BOOST_TEST(contains(e.err, "3 lines counted, 0 set aside"));
  }
}

BOOST_AUTO_TEST_CASE(what_clients_send_is_kept_as_text) {
  std::string const text = line(1, "\\x16\\x03\\x01") + '\n' + line(2, std::string("\x16\x03\x01\0\xff", 5)) + '\n' +
                           line(3, "GET /<script>alert(\\\"1\\\")</script>\x1b[2J\xff HTTP/1.1", "a \\\"quoted\\\" agent") + '\n';
  BOOST_TEST(run({write("log", text)}).code == 0);
  BOOST_TEST(requests() == 3);
  BOOST_TEST(number("SELECT requests FROM slow_paths WHERE path = '(not HTTP)'") == 2);
  BOOST_TEST(number(R"(SELECT count(*) FROM pages WHERE path = '/<script>alert(\"1\")</script>\x1b[2J\xff')") == 1);
}

BOOST_AUTO_TEST_CASE(a_change_of_the_time_zone_is_no_gap) {
  BOOST_TEST(run({write("log", "192.0.2.1 - - [29/Mar/2026:01:59:50 +0100] \"GET /a HTTP/1.1\" 200 1 \"-\" \"Firefox\"\n"
                               "192.0.2.1 - - [29/Mar/2026:03:00:10 +0200] \"GET /b HTTP/1.1\" 200 1 \"-\" \"Firefox\"\n")})
                 .code == 0);
  BOOST_TEST(number("SELECT count(*) FROM all_sessions") == 1);
  BOOST_TEST(number("SELECT seconds FROM all_sessions") == 20);
}

BOOST_AUTO_TEST_CASE(gzip_of_several_members_is_one_log) {
  std::string const packed = gzip(some_lines(100)) + gzip("") + gzip(some_lines(1, 100)) + gzip(some_lines(99, 101));
  write("zeros", packed + std::string(1000, '\0'));
  contents const whole = undisturbed({write("plain", some_lines(200))});
  check_same(undisturbed({write("members", packed)}, {"--chunk", "2"}), whole);
  check_same(undisturbed({path("zeros")}), whole);
}

BOOST_AUTO_TEST_CASE(gzip_that_is_cut_off_counts_as_far_as_it_goes_and_goes_on_when_it_is_whole) {
  std::string const text = log(5000, {"--rate", "3"}), packed = gzip(text);
  contents const whole = undisturbed({write("whole", text)});
  write("log.gz", packed.substr(0, packed.size() * 2 / 3));
  ended const cut = run({path("log.gz")}, {"--chunk", "64"});
  BOOST_TEST(cut.code == 1);
  BOOST_TEST(contains(cut.err, "log.gz: cut off at byte " + std::to_string(packed.size() * 2 / 3)));
  std::int64_t const some = requests();
  BOOST_TEST(some > 2000);
  BOOST_TEST(some < 5000);
  BOOST_TEST(number("SELECT count(*) FROM files WHERE finished = 0 AND problem LIKE 'cut off%'") == 1);

  write("log.gz", packed);
  BOOST_TEST(run({path("log.gz")}).code == 0);
  check_same(contents_of(), whole);
}

BOOST_AUTO_TEST_CASE(damaged_gzip_is_told) {
  std::string packed = gzip(log(3000));
  for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 100; ++i) packed[i] = static_cast<char>(~packed[i]);
  ended const e = run({write("log.gz", packed), write("other", some_lines(7))});
  BOOST_TEST(e.code == 1);
  BOOST_TEST(contains(e.err, "log.gz: damaged before byte"));
  BOOST_TEST(number("SELECT count(*) FROM files WHERE finished = 1 AND lines = 7") == 1);
  ended const garbage = run({write("garbage.gz", gzip(some_lines(11, 50)) + "something else")});
  BOOST_TEST(garbage.code == 1);
  BOOST_TEST(contains(garbage.err, "11 lines counted"));
  BOOST_TEST(contains(garbage.err, "is no gzip"));
}

BOOST_AUTO_TEST_CASE(standard_input_is_a_log_too) {
  std::string const text = log(3000);
  contents const whole = undisturbed({write("log", text)});
  BOOST_TEST(run_from("cat " + path("log").string()).code == 0);
  check_same(contents_of(), whole);
  BOOST_TEST(run_from("gzip -c " + path("log").string()).code == 0);  // it has been counted
  check_same(contents_of(), whole);
}

BOOST_AUTO_TEST_CASE(nothing_is_counted_twice) {
  std::string const text = log(6000, {"--rate", "4", "--invalid", "0.01"});
  write("log", lines_of(text, 0, 2000));
  BOOST_TEST(run({path("log")}).code == 0);
  std::int64_t const some = requests();

  ended const again = run({path("log"), path("log")});
  BOOST_TEST(again.code == 0);
  BOOST_TEST(contains(again.err, "0 lines counted"));
  BOOST_TEST(requests() == some);

  write("log", lines_of(text, 0, 4000));  // it has grown
  BOOST_TEST(contains(run({path("log")}, {"--chunk", "16"}).err, " counted"));
  fs::rename(path("log"), path("log.1"));  // and is rotated, and packed
  BOOST_TEST(contains(run({path("log.1")}).err, "0 lines counted"));
  write("log.2.gz", gzip(read(path("log.1"))));
  fs::remove(path("log.1"));
  BOOST_TEST(contains(run({path("log.2.gz")}).err, "0 lines counted"));

  write("log", lines_of(text, 4000, 2000));  // another one has its name
  BOOST_TEST(run({path("log"), path("log.2.gz")}).code == 0);
  check_same(contents_of(), undisturbed({write("whole", text)}));
  BOOST_TEST(lines_of(read(set_aside()), 0, 1000).size() == read(set_aside()).size());
}

BOOST_AUTO_TEST_CASE(one_log_under_two_names_is_counted_once) {
  write("a", some_lines(100));
  write("b.gz", gzip(some_lines(100)));
  ended const e = run({path("a"), path("b.gz"), path("a")});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.err, "is left out: it is the same log as"));
  BOOST_TEST(requests() == 100);
}

BOOST_AUTO_TEST_CASE(short_logs_that_begin_alike_are_different_ones) {
  BOOST_TEST(run({write("a", some_lines(1)), write("b", some_lines(2))}).code == 0);
  BOOST_TEST(requests() == 3);
}

BOOST_AUTO_TEST_CASE(the_beginning_of_a_line_is_left_until_it_is_whole) {
  std::string const text = some_lines(20);
  write("log", text.substr(0, text.size() - 60));
  ended const e = run({path("log")});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.err, "its last line has no end yet"));
  BOOST_TEST(requests() == 19);
  write("log", text + some_lines(5, 20));
  BOOST_TEST(run({path("log")}).code == 0);
  check_same(contents_of(), undisturbed({write("whole", some_lines(25))}));
}

BOOST_AUTO_TEST_CASE(a_last_line_that_was_counted_without_its_end_is_not_counted_again) {
  std::string const text = some_lines(20);
  write("log", text.substr(0, text.size() - 1));
  BOOST_TEST(run({path("log")}).code == 0);
  write("log", text + some_lines(5, 20));
  BOOST_TEST(run({path("log")}).code == 0);
  check_same(contents_of(), undisturbed({write("whole", some_lines(25))}));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_does_not_keep_the_others_from_being_counted) {
  ended const e = run({path("not there"), write("log", some_lines(3)), home(), write("empty", "")});
  BOOST_TEST(e.code == 1);
  BOOST_TEST(contains(e.err, "cannot read " + path("not there").string() + ": No such file"));
  BOOST_TEST(contains(e.err, ": Is a directory"));
  BOOST_TEST(requests() == 3);
}

BOOST_AUTO_TEST_CASE(progress_is_drawn_in_one_place_on_a_terminal_and_only_there) {
  write("log", log(40'000));
  std::string const how = PROCX_TEST_SUPPORT "/procx-etl run --chunk 4 --commit 0 -d " + database().string() + ' ' + path("log").string();
  ended const terminal = program({"/usr/bin/script", "-qec", how, "/dev/null"}).wait();
  BOOST_TEST(terminal.code == 0);
  BOOST_TEST(contains(terminal.out, "\r\x1b[K["));
  BOOST_TEST(contains(terminal.out, "lines  "));
  ended const file = run({path("log")}, {"-q"});
  BOOST_TEST(file.out == "");
  BOOST_TEST(!contains(file.err, "\x1b"));
}

BOOST_AUTO_TEST_CASE(a_database_of_another_program_is_refused) {
  write("log", some_lines(1));
  write("db", "this is text, and much longer than the header of a database would have to be to be looked at, is it not? Yes.");
  ended const e = run({path("log")});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "is no database"));
  fs::remove(database());
  SQLite::Database(database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE x(y)");
  BOOST_TEST(contains(run({path("log")}).err, "is a database of another program"));
  BOOST_TEST(etl({"report", path("none")}).code == 2);
}

BOOST_AUTO_TEST_CASE(the_same_seed_generates_the_same_log) {
  std::string const one = log(3000, {"--seed", "7", "--invalid", "0.01"});
  BOOST_TEST((log(3000, {"--seed", "7", "--invalid", "0.01"}) == one));
  BOOST_TEST((log(3000, {"--seed", "8", "--invalid", "0.01"}) != one));
  BOOST_TEST(std::ranges::count(one, '\n') == 3000);
  BOOST_TEST(etl({"generate", "-n", "3000", "--seed", "7", "--invalid", "0.01", "--gzip", "-o", path("log.gz")}).code == 0);
  check_same(undisturbed({path("log.gz")}), undisturbed({write("log", one)}));
  BOOST_TEST(contains(log(1, {"--format", "common", "--duration", "none"}), "\" 2"));
  BOOST_TEST(etl({"generate", "--begin", "yesterday"}).code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
