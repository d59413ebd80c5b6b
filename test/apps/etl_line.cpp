#define BOOST_TEST_MODULE etl_line
#include "etl/clean_text.hpp"
#include "etl/log_line.hpp"
#include "etl/robots.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <ostream>
#include <string>

namespace data = boost::unit_test::data;
using namespace etl;

namespace etl {
std::ostream& operator<<(std::ostream& to, flaw f) { return to << describe(f); }
}  // namespace etl

namespace {

std::string const start = "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] ";
std::string const common = start + "\"GET /a HTTP/1.0\" 200 2326";
constexpr epoch_seconds time_of_start = 971'211'336;

/// What is read of a line, which must be a good one.
log_line read(std::string const& line, time_field duration = time_field::automatic) {
  static std::string kept;  // what the result refers to
  kept = line;
  log_line out;
  line_reader reader(duration);
  BOOST_TEST_INFO(line);
  BOOST_TEST(reader.read(kept, out) == flaw::none);
  return out;
}

flaw flaw_of(std::string const& line) {
  log_line out;
  return line_reader(time_field::automatic).read(line, out);
}

struct sample {
  std::string line;
  flaw expected;
};
std::ostream& operator<<(std::ostream& to, sample const& s) { return to << describe(s.expected) << ": " << s.line.substr(0, 80); }

sample const flawed[] = {
    {"", flaw::empty},
    {"\r", flaw::empty},
    {"  ", flaw::empty},
    {"Segmentation fault", flaw::no_time},
    {"word", flaw::address},
    {"\"GET / HTTP/1.1\" 200 3", flaw::address},
    {"192.0.2.1 - - nothing", flaw::no_time},
    {"192.0.2.1 - - [10/Oct/2000:13:55:36 -0700", flaw::bad_time},
    {"192.0.2.1 - - [10/Foo/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1", flaw::bad_time},
    {"192.0.2.1 - - [31/Feb/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1", flaw::bad_time},
    {"192.0.2.1 - - [10/Oct/2000:24:55:36 -0700] \"GET / HTTP/1.0\" 200 1", flaw::bad_time},
    {"192.0.2.1 - - [10/Oct/2000:13:55:36] \"GET / HTTP/1.0\" 200 1", flaw::bad_time},
    {start + "GET / HTTP/1.0 200 1", flaw::request},
    {start + "\"GET / HTTP/1.0 200 1", flaw::request},
    {start + "\"GET / HTTP/1.0\"", flaw::request},
    {start + "\"GET / HTTP/1.0\" 2000 1", flaw::status},
    {start + "\"GET / HTTP/1.0\" 200", flaw::bytes},
    {start + "\"GET / HTTP/1.0\" 200 12x", flaw::bytes},
    {start + "\"GET / HTTP/1.0\" 200 -5", flaw::bytes},
    {start + "\"GET / HTTP/1.0\" 200 9999999999999999999", flaw::bytes},
    {common + " \"http://example.com/", flaw::referrer},
    {common + " \"-\" \"Mozilla", flaw::agent},
    {std::string(20, '\0') + common, flaw::nul},
    {std::string("\0\0\0", 3), flaw::nul},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_line_in_common_format_is_read) {
  log_line const line = read("192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326");
  BOOST_TEST(line.address == "192.0.2.1");
  BOOST_TEST(line.time == time_of_start);
  BOOST_TEST(line.request == "GET /a.gif HTTP/1.0");
  BOOST_TEST(line.status == 200u);
  BOOST_TEST(line.bytes == 2326);
  BOOST_TEST(line.referrer == "-");
  BOOST_TEST(line.agent == "-");
  BOOST_TEST(line.duration == -1);
}

BOOST_AUTO_TEST_CASE(a_line_in_combined_format_is_read) {
  log_line const line = read(common + " \"http://example.com/x\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\"");
  BOOST_TEST(line.referrer == "http://example.com/x");
  BOOST_TEST(line.agent == "Mozilla/4.08 [en] (Win98; I ;Nav)");
}

BOOST_AUTO_TEST_CASE(a_carriage_return_at_the_end_is_no_part_of_the_line) {
  BOOST_TEST(read(common + '\r').bytes == 2326);
  BOOST_TEST(read(common + " \"-\" \"curl\"\r").agent == "curl");
}

BOOST_AUTO_TEST_CASE(a_dash_stands_for_no_bytes_and_for_no_status) {
  BOOST_TEST(read(start + "\"GET / HTTP/1.0\" 304 -").bytes == 0);
  BOOST_TEST(read(start + "\"GET / HTTP/1.0\" - -").status == 0u);
}

BOOST_AUTO_TEST_CASE(addresses_may_be_of_any_kind) {
  for (std::string const address : {"2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "host.example.com", "unix:", "-"})
    BOOST_TEST(read(address + common.substr(9)).address == address);
}

BOOST_AUTO_TEST_CASE(a_user_may_have_blanks_and_brackets) {
  BOOST_TEST(read("192.0.2.1 - john [the] doe [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1").time == time_of_start);
}

BOOST_AUTO_TEST_CASE(escaped_quotes_do_not_end_a_text) {
  log_line const line = read(start + R"("GET /a\"b HTTP/1.0" 200 1 "http://x/\"y\\" "A \"quoted\" agent")");
  BOOST_TEST(line.request == R"(GET /a\"b HTTP/1.0)");
  BOOST_TEST(line.referrer == R"(http://x/\"y\\)");
  BOOST_TEST(line.agent == R"(A \"quoted\" agent)");
}

BOOST_AUTO_TEST_CASE(quotes_that_nobody_escaped_are_understood_by_what_follows) {
  log_line const line = read(start + R"("GET /a"b"c HTTP/1.0" 200 1 "http://x/?q="y"" "An "agent"")");
  BOOST_TEST(line.request == R"(GET /a"b"c HTTP/1.0)");
  BOOST_TEST(line.referrer == R"(http://x/?q="y")");
}

BOOST_AUTO_TEST_CASE(a_tls_handshake_is_a_request_without_a_path) {
  std::string const raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\"\x03", 11);
  for (std::string const& text : {std::string("\\x16\\x03\\x01\\x02\\x00"), raw, std::string()}) {
    log_line const line = read(start + '"' + text + "\" 400 226");
    BOOST_TEST(line.status == 400u);
    BOOST_TEST(target_of(line.request).path == "");
  }
}

BOOST_AUTO_TEST_CASE(a_line_of_a_megabyte_is_read) {
  log_line const line = read(start + "\"GET /" + std::string(1'000'000, 'x') + " HTTP/1.0\" 414 0 \"-\" \"" + std::string(50'000, '[') + '"');
  BOOST_TEST(line.status == 414u);
  BOOST_TEST(target_of(line.request).path.size() == 1'000'001u);
}

BOOST_AUTO_TEST_CASE(durations_are_seconds_if_they_have_a_point_and_else_microseconds) {
  BOOST_TEST(read(common + " 0.123").duration == 123'000);
  BOOST_TEST(read(common + " \"-\" \"curl\" 12.000001").duration == 12'000'001);
  BOOST_TEST(read(common + " \"-\" \"curl\" 4711").duration == 4711);
  BOOST_TEST(read(common + " \"-\" \"curl\" 0.0000019").duration == 1);
  BOOST_TEST(read(common + " \"-\" \"curl\" \"192.0.2.7\" rt=0.005 0.100").duration == 5'000);
  BOOST_TEST(read(common + " \"-\" \"curl\" \"0.25\"").duration == 250'000);
  BOOST_TEST(read(common + " \"-\" \"curl\" -").duration == -1);
  BOOST_TEST(read(common + " \"-\" \"curl\" 99999999999999999999").duration == -1);
}

BOOST_AUTO_TEST_CASE(what_durations_are_can_be_said) {
  BOOST_TEST(read(common + " 3", time_field::seconds).duration == 3'000'000);
  BOOST_TEST(read(common + " 3", time_field::milliseconds).duration == 3'000);
  BOOST_TEST(read(common + " 3.7", time_field::milliseconds).duration == 3'700);
  BOOST_TEST(read(common + " 3.7", time_field::microseconds).duration == 3);
  BOOST_TEST(read(common + " 3", time_field::none).duration == -1);
}

BOOST_DATA_TEST_CASE(what_is_wrong_with_a_line_is_said, data::make(flawed)) { BOOST_TEST(flaw_of(sample.line) == sample.expected); }

BOOST_AUTO_TEST_CASE(what_is_cut_off_anywhere_is_no_trouble) {
  std::string const whole = common + R"( "http://x/\"y" "agent \\" rt=0.25)";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    std::string const exact = whole.substr(0, size);  // so that a sanitizer sees what is read behind it
    log_line out;
    BOOST_TEST((line_reader(time_field::automatic).read(exact, out) == flaw::none) == (size >= common.size() - 3 && flaw_of(exact) == flaw::none));
  }
}

BOOST_AUTO_TEST_CASE(times_of_one_line_after_the_other_are_read_in_any_zone) {
  log_time times;
  auto const at = [&](char const* text) { return times.read(text).value_or(-1); };
  BOOST_TEST(at("29/Mar/2026:01:59:59 +0100") == 1'774'745'999);
  BOOST_TEST(at("29/Mar/2026:03:00:00 +0200") == 1'774'746'000);
  BOOST_TEST(at("29/Mar/2026:03:00:00 +0100") == 1'774'749'600);
  BOOST_TEST(at("29/Mar/2026:03:00:07 +0100") == 1'774'749'607);
  BOOST_TEST(at("28/Mar/2026:18:30:00 -0730") == 1'774'749'600);
  BOOST_TEST(at("29/Feb/2024:00:00:00 +0000") == 1'709'164'800);
  BOOST_TEST(at("31/Dec/2016:23:59:60 +0000") == 1'483'228'800);
  BOOST_TEST(at("29/Feb/2023:00:00:00 +0000") == -1);
  BOOST_TEST(at("29/Mar/2026:03:00:61 +0100") == -1);
  BOOST_TEST(at("29/Mar/2026:03:00:0x +0100") == -1);
  BOOST_TEST(at("01/Jan/1970:00:30:00 +0100") == -1);
  BOOST_TEST(at("") == -1);
}

BOOST_AUTO_TEST_CASE(the_path_is_what_was_asked_for_without_its_query) {
  auto const path = [](char const* request) { return target_of(request).path; };
  BOOST_TEST(path("GET /a/b?c=d HTTP/1.1") == "/a/b");
  BOOST_TEST(path("GET /a#b HTTP/1.1") == "/a");
  BOOST_TEST(path("GET /with a blank HTTP/1.1") == "/with a blank");
  BOOST_TEST(path("GET /old") == "/old");
  BOOST_TEST(path("GET http://other.example/x?y HTTP/1.1") == "/x");
  BOOST_TEST(path("GET http://other.example HTTP/1.1") == "/");
  BOOST_TEST(path("OPTIONS * HTTP/1.0") == "*");
  BOOST_TEST(path("-") == "");
  BOOST_TEST(path("hello there") == "");
  BOOST_TEST(target_of("M-SEARCH * HTTP/1.1").method == "M-SEARCH");
}

BOOST_AUTO_TEST_CASE(robots_are_told_by_what_they_say) {
  for (char const* const agent :
       {"-", "", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/7.88.1", "Wget/1.21", "python-requests/2.3",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", "Go-http-client/1.1", "Slackbot 1.0", "SomeCrawler",
        "Mozilla/5.0 (X11; Linux) HeadlessChrome/130.0", "facebookexternalhit/1.1"})
    BOOST_TEST(is_robot(agent), agent);
  for (char const* const agent :
       {"Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Opera/9.80 (Bottle)"})
    BOOST_TEST(!is_robot(agent), agent);
}

BOOST_AUTO_TEST_CASE(clean_texts_are_short_and_visible_utf_8) {
  auto const clean = [](std::string_view raw, std::size_t most) {
    std::string to = "x";
    std::size_t const added = append_clean(to, raw, most);
    BOOST_TEST(added == to.size() - 1);
    return to.substr(1);
  };
  BOOST_TEST(clean("/plain", 100) == "/plain");
  BOOST_TEST(clean("/na\xc3\xafve \xe2\x82\xac", 100) == "/na\xc3\xafve \xe2\x82\xac");
  BOOST_TEST(clean(std::string_view("a\0b\x1b[2J\n", 8), 100) == "a\\x00b\\x1b[2J\\x0a");
  BOOST_TEST(clean("\xff\xfe\xc3", 100) == "\\xff\\xfe\\xc3");
  BOOST_TEST(clean("\xe2\x80\xae", 100) == "\\xe2\\x80\\xae");
  BOOST_TEST(clean(std::string(500, 'a'), 10) == "aaaaaaaaaa…");
  std::string const cut = clean("aaaaaaaa\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 12);
  BOOST_TEST(cut == "aaaaaaaa\xe2\x82\xac…");
}
