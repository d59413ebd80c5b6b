#include "traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

namespace etl {
namespace {

constexpr std::size_t pages = 1500, people = 400, remembered = 5000;
using texts = std::span<std::string_view const>;

constexpr std::array<std::string_view, 14> browsers{
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "Opera/9.80 (\\\"Special\\\" Edition; U; en) Presto/2.10.229 Version/11.62"};

constexpr std::array<std::string_view, 8> robots{
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "curl/7.88.1", "python-requests/2.32.3", "Uptime-Monitor/1.0"};

constexpr std::array<std::string_view, 7> origins{
    "https://www.google.com/", "https://www.google.com/", "https://duckduckgo.com/", "https://www.bing.com/search?q=procx",
    "https://news.ycombinator.com/item?id=41234567", "https://en.wikipedia.org/wiki/Pipeline_(software)", "https://t.co/Xy12<z>"};

constexpr std::array<std::string_view, 12> parts{
    "/static/site.css", "/static/site.js", "/static/vendor.js", "/static/logo.svg", "/static/icons.woff2", "/favicon.ico",
    "/images/header.webp", "/images/team.jpg", "/images/map.png", "/api/session", "/static/print.css", "/images/badge.png"};

constexpr std::array<std::string_view, 6> scans{"/wp-login.php", "/.env", "/phpmyadmin/index.php", "/xmlrpc.php",
                                                "/cgi-bin/luci", "/.git/config"};

constexpr std::array<std::string_view, 16> words{"river", "stone",  "paper", "garden", "winter", "signal", "copper", "harbour",
                                                 "maple", "lantern", "atlas", "meadow", "velvet", "anchor", "pepper", "cobalt"};

/// Central European time: an hour ahead of UTC, in summer two. (The days are right for 2026, near enough for others.)
int zone_hours(double time) {
  constexpr double day = 86'400, year = 365.2425 * day, spring_2026 = 1'774'746'000, autumn_2026 = 1'792'890'000;
  double const in_year = std::fmod(time - spring_2026 + 100 * year, year);
  return in_year < autumn_2026 - spring_2026 ? 2 : 1;
}

}  // namespace

traffic::traffic(traffic_options const& options)
    : options_(options), random_(options.seed), now_(static_cast<double>(options.begin)), popularity_(pages, 1.05), present_(people) {
  make_site();
  for (visitor& v : present_) {
    arrive(v);
    v.parts = static_cast<std::uint32_t>(random_.below(6));
    v.begun = random_.happens(0.8);
  }
}

void traffic::make_site() {
  random_numbers names(7);  // the site is the same one for every seed
  pages_ = {"/", "/search", "/cart", "/checkout", "/login", "/contact.html", "/products/", "/blog/"};
  while (pages_.size() < pages) {
    std::string_view const a = names.one_of(texts(words)), b = names.one_of(texts(words));
    switch (names.below(4)) {
      case 0: pages_.push_back(fmt::format("/products/{}-{}-{}", a, b, names.below(900) + 100)); break;
      case 1: pages_.push_back(fmt::format("/blog/2026/{:02}/{}-and-{}", names.below(12) + 1, a, b)); break;
      case 2: pages_.push_back(fmt::format("/docs/{}/{}.html", a, b)); break;
      default: pages_.push_back(fmt::format("/users/{}/{}", names.below(100'000), a));
    }
  }
  for (std::size_t i = 0; i < pages; ++i) page_times_.push_back(0.03 * names.log_normal(0.8));
  page_times_[1] = 0.4;
  page_times_[3] = 0.9;
}

std::string traffic::new_address() {
  if (random_.happens(0.2))
    return fmt::format("2001:{:x}:{:x}:{:x}::{:x}", random_.below(0xfff) + 0x200, random_.below(0x10000), random_.below(0x10000),
                       random_.below(0x10000));
  return fmt::format("{}.{}.{}.{}", random_.below(222) + 1, random_.below(256), random_.below(256), random_.below(254) + 1);
}

void traffic::arrive(visitor& who) {
  if (!gone_.empty() && random_.happens(0.25)) {
    std::size_t const which = random_.below(gone_.size());
    who = gone_[which];
    who.begun = false;
  } else {
    who = {new_address(), random_.one_of(texts(browsers)), {}, 0, 0, false, false};
  }
  who.referrer = random_.happens(0.5) ? std::string(random_.one_of(texts(origins))) : "-";
}

/// Twice as much at eight in the evening as at eight in the morning.
void traffic::advance() {
  double const hour = std::fmod(now_ / 3600 + 1, 24);
  double const busy = 1 + 0.33 * std::cos((hour - 20) / 12 * std::numbers::pi);
  now_ += random_.exponential() / (options_.per_second * busy);
}

/// A quarter of an hour in every eleven.
bool traffic::is_bad_time() const { return std::fmod(now_, 11 * 3600) < 900; }

void traffic::finish(request& r, double typical) {
  bool const bad = is_bad_time();
  r.duration = typical * random_.log_normal(0.6) * (bad ? 4 : 1);
  if (r.status == 200 && random_.happens(bad ? 0.05 : 0.0015)) {
    r.status = random_.happens(0.5) ? 500 : random_.happens(0.5) ? 502 : 503;
    r.bytes = 177;
    if (r.status == 502) r.duration = 30;
  }
}

void traffic::of_person(std::string& to) {
  visitor& who = present_[random_.below(people)];
  request r;
  std::string const site = "https://www.example.com";
  std::string referrer;
  if (who.begun && who.parts > 0) {
    --who.parts;
    r.path = parts[(who.page + who.parts) % parts.size()];
    referrer = site + pages_[who.page];
    bool const unchanged = who.knows_parts && random_.happens(0.5);
    r.status = unchanged ? 304 : 200;
    r.bytes = unchanged ? 0 : 2000 + random_.below(60'000);
    finish(r, 0.002);
  } else {
    if (who.begun && random_.happens(0.35)) {
      gone_.push_back(who);
      if (gone_.size() > remembered) gone_.pop_front();
      arrive(who);
    }
    referrer = who.begun ? site + pages_[who.page] : who.referrer;
    who.page = popularity_.draw(random_);
    who.parts = static_cast<std::uint32_t>(who.knows_parts ? random_.below(3) : 3 + random_.below(4));
    who.knows_parts = who.begun = true;
    r.path = pages_[who.page];
    if (who.page == 1) r.query = fmt::format("?q={}+{}", random_.one_of(texts(words)), random_.below(1000));
    if (who.page == 3) r.method = "POST";
    r.bytes = 5000 + random_.below(40'000);
    if (random_.happens(0.01)) r.status = random_.happens(0.7) ? 404 : 301;
    finish(r, page_times_[who.page]);
  }
  r.address = who.address;
  r.agent = who.agent;
  r.referrer = referrer;
  write(to, r);
}

void traffic::of_robot(std::string& to) {
  std::size_t const which = random_.below(robots.size() + 1);
  std::string const address = fmt::format("66.249.{}.{}", 64 + which, random_.below(20) + 1);
  request r;
  r.address = address;
  r.agent = which < robots.size() ? robots[which] : browsers[0];  // the last one does not say what it is
  bool const asks = random_.happens(which < robots.size() ? 0.02 : 0.1);
  std::size_t const page = random_.below(pages);
  r.path = asks ? std::string_view("/robots.txt") : std::string_view(pages_[page]);
  r.bytes = asks ? 120 : 5000 + random_.below(40'000);
  if (random_.happens(0.03)) r.status = 404;
  finish(r, page_times_[page]);
  write(to, r);
}

void traffic::of_scanner(std::string& to) {
  std::string const address = fmt::format("45.155.{}.{}", random_.below(8), random_.below(256));
  request r;
  r.address = address;
  r.agent = random_.happens(0.5) ? "-" : "Mozilla/5.0 zgrab/0.x";
  r.bytes = 153;
  if (random_.happens(0.1)) {  // TLS where HTTP is spoken
    r.method = "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03";
    r.status = 400;
  } else {
    r.path = random_.one_of(texts(scans));
    r.status = 404;
  }
  finish(r, 0.001);
  write(to, r);
}

void traffic::flawed_line(std::string& to) {
  std::string whole;
  of_person(whole);
  switch (random_.below(5)) {
    case 0: to += whole.substr(0, whole.size() / 3) + '\n'; break;
    case 1: to += '\n'; break;
    case 2: to += std::string(40, '\0') + whole; break;
    case 3: to += "Segmentation fault (core dumped)\n"; break;
    default: {
      std::size_t const month = whole.find('/');
      if (month != whole.npos) whole.replace(month, 4, "/Foo");
      to += whole;
    }
  }
}

void traffic::add_line(std::string& to) {
  advance();
  if (options_.flawed > 0 && random_.happens(options_.flawed)) return flawed_line(to);
  double const kind = random_.unit();
  if (kind < 0.8) return of_person(to);
  return kind < 0.98 ? of_robot(to) : of_scanner(to);
}

void traffic::write_time(std::string& to, double time) const {
  using namespace std::chrono;
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int const zone = zone_hours(time);
  sys_seconds const local(std::chrono::seconds(static_cast<epoch_seconds>(time) + zone * 3600));
  auto const date = floor<days>(local);
  year_month_day const day(date);
  hh_mm_ss const clock(local - date);
  fmt::format_to(std::back_inserter(to), "[{:02}/{}/{:04}:{:02}:{:02}:{:02} +0{}00]", static_cast<unsigned>(day.day()),
                 months[static_cast<unsigned>(day.month()) - 1], static_cast<int>(day.year()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count(), zone);
}

void traffic::write(std::string& to, request const& r) const {
  to += r.address;
  to += " - - ";
  write_time(to, now_);
  to += " \"";
  to += r.method;
  if (!r.path.empty()) {
    to += ' ';
    to += r.path;
    to += r.query;
    to += " HTTP/1.1";
  }
  fmt::format_to(std::back_inserter(to), "\" {} ", r.status);
  if (r.bytes == 0)
    to += '-';
  else
    fmt::format_to(std::back_inserter(to), "{}", r.bytes);
  if (options_.combined) {
    to += " \"";
    to += r.referrer;
    to += "\" \"";
    to += r.agent;
    to += '"';
  }
  if (options_.duration == time_field::seconds)
    fmt::format_to(std::back_inserter(to), " {:.3f}", r.duration);
  else if (options_.duration == time_field::microseconds)
    fmt::format_to(std::back_inserter(to), " {}", static_cast<std::uint64_t>(r.duration * 1e6));
  to += '\n';
}

}  // namespace etl
