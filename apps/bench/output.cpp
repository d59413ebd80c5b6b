#include "output.hpp"

#include <boost/version.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include <sched.h>
#include <sys/utsname.h>

namespace bench {
namespace {

std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (auto const colon = line.find(": "); colon != line.npos) return line.substr(colon + 2);
  return "unknown";
}

/// Three digits that count, and no more; two where it is small.
std::string number(double value) {
  if (value < 0.1) return fmt::format("{:.2g}", value);
  if (value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string median(std::optional<spread> const& s) { return s ? number(s->median) : ""; }
std::string range(std::optional<spread> const& s) {
  return s ? fmt::format("{}–{}", number(s->least), number(s->most)) : "";
}

/// fmt counts the dash of a range as the one column that it takes.
std::string row(std::vector<std::string> const& cells, std::size_t name_width) {
  std::string text = fmt::format("  {:<{}}", cells[0], name_width);
  for (std::size_t i = 1; i + 1 < cells.size(); ++i) text += fmt::format(" {:>{}}", cells[i], i % 2 ? 9 : 14);
  return text + (cells.back().empty() ? "\n" : "  " + cells.back() + '\n');
}

std::string quoted(std::string const& text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string json(std::optional<spread> const& s) {
  if (!s) return "null";
  return fmt::format(R"({{"median": {}, "least": {}, "most": {}}})", s->median, s->least, s->most);
}

std::string json(standing const& s) {
  std::string samples;
  for (measured const& m : s.samples) samples += fmt::format("{}{}", samples.empty() ? "" : ", ", m.value);
  std::string const who = fmt::format(R"("name": {}, "against": {}, "failed": {}, "note": {})", quoted(s.name),
                                      s.against.empty() ? "null" : quoted(s.against), s.failed, quoted(s.note));
  return fmt::format(R"({{{}, "stands_for": {}, "value": {}, "second": {}, "speed": {}, "samples": [{}]}})", who,
                     s.stands_for.empty() ? "null" : quoted(s.stands_for), json(s.value), json(s.second),
                     json(s.speed), samples);
}

std::string json(std::string const& name, race_result const& r) {
  std::string standings;
  for (standing const& s : r.standings) standings += (standings.empty() ? "\n      " : ",\n      ") + json(s);
  return fmt::format(
      R"({{"case": {}, "title": {}, "unit": {}, "second": {}, "more_is_better": {}, "contenders": [{}]}})",
      quoted(name), quoted(r.title), quoted(r.unit), quoted(r.second), r.more_is_better, standings);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> surroundings(run_settings const& how) {
  utsname system{};
  ::uname(&system);
  cpu_set_t usable;
  CPU_ZERO(&usable);
  ::sched_getaffinity(0, sizeof usable, &usable);
  return {{"processor", processor_model()},
          {"processors", std::to_string(CPU_COUNT(&usable))},
          {"pinned to", how.where.text()},
          {"kernel", system.release},
          {"compiler", __VERSION__},
          {"boost", BOOST_LIB_VERSION},
#ifdef NDEBUG
          {"build", "release"},
#else
          {"build", "debug"},
#endif
          {"rounds", std::to_string(how.rounds)}};
}

std::string to_text(race_result const& r) {
  std::size_t width = 0;
  bool seconds = false;
  for (standing const& s : r.standings) {
    width = std::max(width, s.name.size());
    seconds = seconds || s.second;
  }
  std::string text = fmt::format("{}: {}, {} is better\n", r.title, r.unit, r.more_is_better ? "more" : "less");
  std::vector<std::string> const head{"", "median", "min–max", r.second, "min–max", "speed", "min–max", "against"};
  auto const without_seconds = [&](std::vector<std::string> cells) {
    if (!seconds) cells.erase(cells.begin() + 3, cells.begin() + 5);
    return cells;
  };
  text += row(without_seconds(head), width);
  for (standing const& s : r.standings) {
    std::string last = s.against;
    if (!s.stands_for.empty()) last = fmt::format("{} (this is {})", s.against, s.stands_for);
    if (!s.note.empty()) last = (s.failed ? "FAILED: " : "left out: ") + s.note;
    text += row(without_seconds({s.name, median(s.value), range(s.value), median(s.second), range(s.second),
                               s.speed ? number(s.speed->median) : "", range(s.speed), last}),
                width);
  }
  if (!r.remark.empty()) text += "  " + r.remark + '\n';
  return text;
}

std::string to_json(run_settings const& how, std::vector<std::pair<std::string, race_result>> const& results) {
  std::string machine, races;
  for (auto const& [key, value] : surroundings(how))
    machine += fmt::format("{}\n    {}: {}", machine.empty() ? "" : ",", quoted(key), quoted(value));
  for (auto const& [name, result] : results) races += (races.empty() ? "\n    " : ",\n    ") + json(name, result);
  return fmt::format("{{\n  \"surroundings\": {{{}\n  }},\n  \"races\": [{}\n  ]\n}}\n", machine, races);
}

}  // namespace bench
