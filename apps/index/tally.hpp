#pragma once

#include "files.hpp"
#include "progress.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace indexer {

/// Counts what became of the files of one build, and names those that are not indexed: the first few of each kind as they
/// come, so that a tree of pictures does not fill the screen.
class tally {
 public:
  explicit tally(progress& out) : out_(out) {}

  void add(known_file const& file);
  std::int64_t count(fate of) const { return counts_[static_cast<std::size_t>(of)]; }
  std::int64_t bytes() const { return bytes_; }
  std::int64_t lines() const { return lines_; }

  /// "3 binary, 1 too large"; empty if all were indexed.
  std::string skipped() const;
  /// Whether some were counted and not named.
  bool named_all() const { return named_all_; }

 private:
  progress& out_;
  std::array<std::int64_t, 7> counts_{};
  std::int64_t bytes_ = 0, lines_ = 0;
  bool named_all_ = true;
};

/// "binary: /a/b", "unreadable: /a/c: Permission denied".
std::string describe_skipped(known_file const& file);

}  // namespace indexer
