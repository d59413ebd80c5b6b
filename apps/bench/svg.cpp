#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace bench {
namespace {

// All in pixels.
constexpr double width = 760, margin = 16, text_height = 18;

/// Colours that can be told apart by nearly everybody, and a dash pattern for each, for everybody else.
constexpr std::string_view style = R"(<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .frame { fill: none; stroke: #8c959f; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .curve { fill: none; stroke-width: 2; }
  .s0 { stroke: #0969da; fill: #0969da; } .s1 { stroke: #cf222e; fill: #cf222e; }
  .s2 { stroke: #1a7f37; fill: #1a7f37; } .s3 { stroke: #9a6700; fill: #9a6700; }
  .s4 { stroke: #8250df; fill: #8250df; } .s5 { stroke: #57606a; fill: #57606a; }
  .curve.s1 { stroke-dasharray: 8 3; } .curve.s2 { stroke-dasharray: 3 3; } .curve.s3 { stroke-dasharray: 10 3 2 3; }
  .curve.s4 { stroke-dasharray: 5 2; } .curve.s5 { stroke-dasharray: 1 3; }
  .curve.s0, .curve.s1, .curve.s2, .curve.s3, .curve.s4, .curve.s5 { fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .frame { stroke: #7d8590; } .grid { stroke: #30363d; }
    .s0 { stroke: #58a6ff; fill: #58a6ff; } .s1 { stroke: #ff7b72; fill: #ff7b72; }
    .s2 { stroke: #3fb950; fill: #3fb950; } .s3 { stroke: #d29922; fill: #d29922; }
    .s4 { stroke: #bc8cff; fill: #bc8cff; } .s5 { stroke: #8b949e; fill: #8b949e; }
  }
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

/// Where the data lies within the picture.
struct area {
  double left, top, right, bottom;

  double x(axis const& a, double value) const { return left + a.place(value) * (right - left); }
  double y(axis const& a, double value) const { return bottom - a.place(value) * (bottom - top); }
};

/// What is drawn so far.
class drawing {
 public:
  drawing(double height, std::string const& title) : height_(height), title_(title) {
    text(margin, margin + 12, title, "start", "title");
  }
  void line(double x1, double y1, double x2, double y2, char const* look) {
    body_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", look, x1, y1,
                         x2, y2);
  }
  void rectangle(double x, double y, double w, double h, std::string const& look) {
    body_ += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n", look, x,
                         y, w, h);
  }
  void text(double x, double y, std::string const& what, char const* anchor, char const* look = "label") {
    body_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", look, x, y,
                         anchor, escaped(what));
  }
  void upright_text(double x, double y, std::string const& what) {
    body_ += fmt::format(
        "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n", x, y,
        escaped(what));
  }
  void polyline(std::vector<std::pair<double, double>> const& points, std::size_t series) {
    std::string at;
    for (auto const& [x, y] : points) at += fmt::format("{:.1f},{:.1f} ", x, y);
    body_ += fmt::format("<polyline class=\"curve s{}\" points=\"{}\"/>\n", series, at);
    for (auto const& [x, y] : points)
      body_ += fmt::format("<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", series, x, y);
  }
  std::string whole() const {
    return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
                       "role=\"img\" aria-label=\"{2}\">\n{3}{4}</svg>\n",
                       width, height_, escaped(title_), style, body_);
  }

 private:
  double height_;
  std::string title_;
  std::string body_;
};

void draw_horizontal_axis(drawing& d, area const& a, axis const& x) {
  for (axis::tick const& t : x.ticks) {
    d.line(a.x(x, t.at), a.top, a.x(x, t.at), a.bottom, "grid");
    d.text(a.x(x, t.at), a.bottom + text_height, t.label, "middle");
  }
  d.text((a.left + a.right) / 2, a.bottom + 2 * text_height + 4, x.title, "middle");
}

void draw_vertical_axis(drawing& d, area const& a, axis const& y) {
  for (axis::tick const& t : y.ticks) {
    d.line(a.left, a.y(y, t.at), a.right, a.y(y, t.at), "grid");
    d.text(a.left - 8, a.y(y, t.at) + 4, t.label, "end");
  }
  d.upright_text(margin + 4, (a.top + a.bottom) / 2, y.title);
}

/// Two names in a row.
void draw_legend(drawing& d, double left, double top, std::vector<curve> const& curves) {
  for (std::size_t i = 0; i < curves.size(); ++i) {
    double const x = left + static_cast<double>(i % 2) * 330, y = top + static_cast<double>(i / 2) * text_height;
    d.polyline({{x, y}, {x + 28, y}}, i);
    d.text(x + 36, y + 4, curves[i].name, "start");
  }
}

}  // namespace

double axis::place(double value) const {
  double const at = logarithmic ? std::log(value / least) / std::log(most / least) : (value - least) / (most - least);
  return std::clamp(at, 0.0, 1.0);
}

axis decades(std::string title, std::vector<double> const& values) {
  auto const [low, high] = std::minmax_element(values.begin(), values.end());
  double const first = std::floor(std::log10(*low)), last = std::max(first + 1, std::ceil(std::log10(*high)));
  axis a{std::move(title), std::pow(10, first), std::pow(10, last), {}, true};
  for (double e = first; e <= last; ++e) a.ticks.push_back({std::pow(10, e), fmt::format("{:g}", std::pow(10, e))});
  return a;
}

std::string line_chart(std::string const& title, axis const& x, axis const& y, std::vector<curve> const& curves) {
  auto const legend_rows = static_cast<double>((curves.size() + 1) / 2);
  double const top = margin + 2 * text_height + legend_rows * text_height;
  area const a{80, top, width - 2 * margin, top + 320};
  drawing d(a.bottom + 3 * text_height + margin / 2, title);
  draw_legend(d, a.left, margin + 2 * text_height - 4, curves);
  draw_horizontal_axis(d, a, x);
  draw_vertical_axis(d, a, y);
  d.rectangle(a.left, a.top, a.right - a.left, a.bottom - a.top, "frame");
  for (std::size_t i = curves.size(); i-- > 0;) {  // the first is not covered by the others
    std::vector<std::pair<double, double>> points;
    for (auto const& [px, py] : curves[i].points) points.emplace_back(a.x(x, px), a.y(y, py));
    d.polyline(points, i);
  }
  return d.whole();
}

std::string bar_chart(std::string const& title, axis const& x, std::vector<bar> const& bars) {
  constexpr double step = 26, thickness = 16, room_for_names = 300, room_for_values = 60;
  double const top = margin + 2 * text_height;
  area const a{room_for_names, top, width - room_for_values, top + step * static_cast<double>(bars.size())};
  drawing d(a.bottom + 3 * text_height + margin / 2, title);
  draw_horizontal_axis(d, a, x);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    double const y = a.top + step * static_cast<double>(i) + (step - thickness) / 2, end = a.x(x, bars[i].value);
    d.rectangle(a.left, y, end - a.left, thickness, bars[i].ours ? "s0" : "s5");
    d.text(a.left - 8, y + thickness - 3, bars[i].name, "end");
    d.text(end + 6, y + thickness - 3, bars[i].label, "start");
  }
  d.line(a.left, a.top, a.left, a.bottom, "frame");
  return d.whole();
}

}  // namespace bench
