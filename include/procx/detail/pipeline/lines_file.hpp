#pragma once

#include <procx/detail/pipeline/destination_core.hpp>
#include <procx/pipeline/cursor.hpp>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace procx::inline v1 {

struct lines_destination_options {
  commit_options commit = {};
  /// How long to wait for another program that has the file open; 0: not at all.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  /// Whether each commit waits for the disk, so that it outlives a power cut. Otherwise the last ones may be missing then, and are done again.
  bool durable = false;
};

namespace detail {

/// A file that is appended to, with a journal. Errors are thrown as destination_error. Not thread-safe.
class lines_file {
 public:
  lines_file(std::string const& file, lines_destination_options const& options);
  lines_file(lines_file const&) = delete;
  lines_file& operator=(lines_file const&) = delete;
  ~lines_file();

  done_parts const& done() const;
  /// All of it, or nothing.
  void append(std::string_view text);
  void commit(std::span<done_parts::change const> changes);
  void roll_back() noexcept;
  bool is_usable() const noexcept;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace detail
}  // namespace procx::inline v1
