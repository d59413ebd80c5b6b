#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A direction of a chart.
struct axis {
  struct tick {
    double at;
    std::string label;
  };
  std::string title;
  double least;
  double most;
  std::vector<tick> ticks;
  bool logarithmic = false;

  /// From 0 at `least` to 1 at `most`; what lies outside is moved to the end.
  double place(double value) const;
};

/// A logarithmic axis over whole decades around the values, a tick at each. There must be values, all above 0.
axis decades(std::string title, std::vector<double> const& values);

struct curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< from left to right
};

struct bar {
  std::string name;
  double value;
  std::string label;
  bool ours;  ///< stands out
};

// Both give the text of an SVG file that can be read on white and on black, as whoever looks at it prefers.

/// Curves, with a legend above.
std::string line_chart(std::string const& title, axis const& x, axis const& y, std::vector<curve> const& curves);

/// Bars from left to right, one below the other, each with its name and its value.
std::string bar_chart(std::string const& title, axis const& x, std::vector<bar> const& bars);

}  // namespace bench
