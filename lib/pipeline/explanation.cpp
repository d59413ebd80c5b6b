#include "pipeline/explanation.hpp"

#include <procx/process/worker_count.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace procx::inline v1::detail {
namespace {

constexpr double worth_saying = 0.005;  // shares below are 0 %
constexpr double nearly_all = 0.85;     // of the processors
constexpr double mostly = 0.5;          // of the time: whoever is busy for so long is what the others wait for

std::string title(std::string const& name) {
  return "pipeline" + (name.empty() ? std::string() : " \"" + name + '"') + ":\n";
}

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string seconds(std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", std::chrono::duration<double>(time).count());
  return text;
}

std::string times_of(segment_account const& s) {
  std::string text = "; busy " + percent(s.busy);
  for (auto const& [name, share] : s.shares) text += (name == s.shares.front().first ? " (" : ", ") + name + ' ' + percent(share);
  if (!s.shares.empty()) text += " of that)";
  if (s.blocked >= worth_saying) text += ", blocked by the next " + percent(s.blocked);
  if (s.starved() >= worth_saying) text += ", starved " + percent(s.starved());
  return text;
}

std::string advice_for(segment_account const& s, std::vector<segment_account> const& all) {
  double processors = 0;
  for (auto const& a : all) processors += a.busy * static_cast<double>(a.outline.workers);
  auto const cores = static_cast<double>(available_cores());
  if (s.outline.here) return "it runs here, one item after the other: processes of its own, or less to do, would help.";
  if (processors >= nearly_all * cores) return "all processors are busy: only less work for each item would help.";
  if (s.outline.keyed) return "more processes for it may help, if there are many keys.";
  return "more processes for it may help.";
}

/// In one sentence, which segment holds the others up, and what would help.
std::string bottleneck_of(std::vector<segment_account> const& segments, bool is_over) {
  auto const busiest = std::ranges::max_element(segments, {}, &segment_account::busy);
  char const* const verb = is_over ? " was " : " is ";
  bool const held_up = std::ranges::any_of(segments, [](auto const& s) { return s.blocked > 0.2; });
  if (busiest->busy >= mostly || held_up) {
    auto const most = std::ranges::max_element(busiest->shares, {}, [](auto const& share) { return share.second; });
    bool const is_one_of_many = most != busiest->shares.end();
    return "  The bottleneck" + std::string(verb) + (is_one_of_many ? most->first : busiest->outline.name) + ", busy " +
           percent(busiest->busy * (is_one_of_many ? most->second : 1)) + " of the time: " + advice_for(*busiest, segments) + '\n';
  }
  if (segments.front().in == 0) return {};
  return "  The bottleneck" + std::string(verb) + "not in the stages, which wait for items: feeding faster would help.\n";
}

}  // namespace

double segment_account::starved() const noexcept { return std::max(0.0, 1 - busy - blocked); }

std::string explanation_of(std::string const& name, std::vector<segment_outline> const& segments) {
  std::string text = title(name);
  for (segment_outline const& s : segments) text += "  " + s.name + ", " + s.how() + '\n';
  return text;
}

std::string explanation_of(std::string const& name, std::vector<segment_account> const& segments,
                           std::chrono::nanoseconds elapsed, bool is_over) {
  std::string text = title(name);
  text.insert(text.size() - 2, (is_over ? ", over after " : ", running for ") + seconds(elapsed));
  for (segment_account const& s : segments) {
    text += "  " + s.outline.name + ", " + s.outline.how() + ": " + std::to_string(s.in) + " in, " + std::to_string(s.out) + " out";
    if (s.dropped > 0) text += ", " + std::to_string(s.dropped) + " dropped";
    if (s.failed > 0) text += ", " + std::to_string(s.failed) + " failed";
    if (s.under_way > 0) text += ", " + std::to_string(s.under_way) + " under way";
    text += times_of(s) + '\n';
  }
  return text + bottleneck_of(segments, is_over);
}

}  // namespace procx::inline v1::detail
