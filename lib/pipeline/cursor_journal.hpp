#pragma once

#include "system/descriptor.hpp"

#include <procx/pipeline/cursor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace procx::inline v1::detail {

/// The records of a file's commits, one behind the other: how long the file was then, and what had been done since the one before.
/// One that was not written to its end counts for nothing. Errors are thrown as destination_error. Not thread-safe.
class cursor_journal {
 public:
  struct record {
    std::uint64_t length = 0;  ///< of the file
    std::vector<done_parts::change> changes = {};
  };

  /// Makes it if it is not there, and holds a lock on it.
  cursor_journal(std::string path, std::chrono::milliseconds patience);

  bool empty() const noexcept { return records_ == 0; }
  std::uint64_t length() const noexcept { return length_; }
  done_parts done() const;

  /// Goes back to the last record of a file that was no longer. False if there is none.
  bool go_back(std::uint64_t length);
  /// All of it, or nothing.
  void append(record const& r, bool durable);
  /// Whether one record in the place of all would be much shorter.
  bool is_long() const noexcept;
  /// Puts it there, on the disk.
  void compact();

 private:
  void open(std::chrono::milliseconds patience);
  void load(std::uint64_t longest);
  void apply(record const& r);

  std::string const path_;
  descriptor file_;
  std::uint64_t end_ = 0;  // of the last whole record
  std::uint64_t compact_size_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t length_ = 0;
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> done_;  // ends of ranges, by sources and beginnings
};

}  // namespace procx::inline v1::detail
