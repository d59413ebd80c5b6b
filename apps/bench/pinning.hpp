#pragma once

#include <string>
#include <vector>

namespace bench {

/// The processors that the contenders may use.
class pinning {
 public:
  /// "none" for all, or numbers with commas in between: "0" or "0,1". Throws std::invalid_argument for anything else.
  static pinning parse(std::string const& text);

  /// Keeps this process, and those it starts, to these processors. Throws std::system_error if there are no such.
  void apply() const;
  std::string const& text() const noexcept { return text_; }

 private:
  std::string text_ = "none";
  std::vector<int> processors_;
};

}  // namespace bench
