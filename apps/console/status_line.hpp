#pragma once

#include <chrono>
#include <string>

namespace console {

/// A line on standard error that says how far a program has come: on a terminal it is drawn over and over in one place, elsewhere a
/// new one every few seconds. Not thread-safe.
class status_line {
 public:
  status_line();
  status_line(status_line const&) = delete;
  status_line& operator=(status_line const&) = delete;
  ~status_line() { clear(); }

  /// Whether it is time to draw again; if so, it will not be for a while. So it may be asked often.
  bool due();
  void draw(std::string const& line);
  /// A line that stays, above the one that is drawn.
  void say(std::string const& line);
  /// Removes what was drawn.
  void clear();

  /// The text behind a bar of which this share is filled, as wide as the terminal. Elsewhere only the text.
  std::string with_bar(double share, std::string const& text) const;

 private:
  using clock = std::chrono::steady_clock;

  bool terminal_;
  bool drawn_ = false;
  clock::time_point last_;
};

}  // namespace console
