#include "figures.hpp"

#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace bench {
namespace {

using races = std::vector<race_result>;

std::vector<double> values_of(std::vector<curve> const& curves) {
  std::vector<double> all;
  for (curve const& c : curves)
    for (auto const& [x, y] : c.points) all.push_back(y);
  return all;
}

/// A curve through all races in which the contender of this name has taken part.
curve curve_of(std::string const& name, races const& all, std::function<double(race_result const&, double)> const& y) {
  curve c{name, {}};
  for (race_result const& r : all)
    if (standing const* const s = r.find(name); s && s->value && r.place > 0)
      c.points.emplace_back(r.place, y(r, s->value->median));
  return c;
}

std::vector<curve> curves_of(std::vector<std::string> const& names, races const& all,
                             std::function<double(race_result const&, double)> const& y) {
  std::vector<curve> curves;
  for (std::string const& name : names)
    if (curve c = curve_of(name, all, y); !c.points.empty()) curves.push_back(std::move(c));
  return curves;
}

std::string durations(races const& all) {
  // Two workers: a task at best takes half its length.
  auto const used = [](race_result const& r, double each) {
    double const seconds = each * (r.unit.starts_with("ns") ? 1e-9 : 1e-6);
    return 100 * r.place / 2 / seconds;
  };
  auto const curves = curves_of({"px::pmap, nothing tuned", "px::pmap, best window", "oneTBB, grain 1",
                                 "px::pmap, window 1", "px::pmap, window 16"},
                                all, used);
  if (curves.empty()) return {};
  axis const x{"length of a task", 1e-6, 1e-1, {{1e-6, "1 µs"}, {1e-5, "10 µs"}, {1e-4, "100 µs"}, {1e-3, "1 ms"},
                                                {1e-2, "10 ms"}, {1e-1, "100 ms"}}, true};
  axis const y{"time spent on tasks, % of two processors", 0, 105, {{0, "0"}, {25, "25"}, {50, "50"}, {75, "75"},
                                                                    {100, "100"}}};
  return line_chart("How much of two processors tasks get, by their length", x, y, curves);
}

std::string payloads(races const& all) {
  auto const curves = curves_of({"px::pmap, nothing tuned", "px::channel, one at a time",
                                 "raw pipe of 1 MiB, one at a time", "memcpy"},
                                all, [](race_result const&, double gib) { return gib; });
  if (curves.empty()) return {};
  constexpr double kib = 1024, mib = kib * kib;
  axis const x{"size of a vector", 16, 64 * mib, {{16, "16 B"}, {256, "256 B"}, {4 * kib, "4 KiB"},
                                                  {64 * kib, "64 KiB"}, {mib, "1 MiB"}, {16 * mib, "16 MiB"},
                                                  {64 * mib, "64 MiB"}}, true};
  return line_chart("Vectors there and back", x, decades("GiB/s, both directions", values_of(curves)), curves);
}

std::string tasks(races const& all) {
  std::vector<bar> bars;
  std::vector<double> values;
  for (standing const& s : all.front().standings) {
    // Of the windows of ZeroMQ only the best, which has a row of its own.
    if (!s.value || s.name.starts_with("ZeroMQ push/pull, window")) continue;
    double const ns = s.value->median;
    bars.push_back({s.name, ns, ns < 1e4 ? fmt::format("{:.0f} ns", ns) : fmt::format("{:.0f} µs", ns / 1e3),
                    s.name.starts_with("px::")});
    values.push_back(ns);
  }
  if (bars.empty()) return {};
  std::stable_sort(bars.begin(), bars.end(), [](bar const& a, bar const& b) { return a.value < b.value; });
  axis x = decades("ns a task (logarithmic)", values);
  return bar_chart("Tasks of 16 bytes on two workers: less is better", x, bars);
}

}  // namespace

std::vector<figure> draw_figures(std::vector<std::pair<std::string, race_result>> const& results) {
  std::vector<figure> figures;
  auto const draw = [&](std::string const& name, std::string (*how)(races const&)) {
    races of_case;
    for (auto const& [of, result] : results)
      if (of == name) of_case.push_back(result);
    if (of_case.empty()) return;
    if (std::string svg = how(of_case); !svg.empty()) figures.push_back({name, std::move(svg)});
  };
  draw("tasks", tasks);
  draw("durations", durations);
  draw("payloads", payloads);
  return figures;
}

}  // namespace bench
