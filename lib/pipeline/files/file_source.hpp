#pragma once

#include "pipeline/files/input_file.hpp"

#include <procx/pipeline/cursor.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// What a file is known by in later runs, and how that is written as the source of its parts.
struct file_source {
  static constexpr std::string_view prefix = "file:";
  static constexpr std::size_t full_head = 64 * 1024;  ///< bytes from its beginning
  static constexpr std::size_t telling_head = 4096;    ///< so many, and the path

  input_file::identity who;
  std::uint64_t head_size = 0;
  std::uint64_t head_hash = 0;
  std::string path;  ///< absolute; what is no letter is %20 and the like

  /// `head`: as many bytes from the beginning of the file.
  static file_source of(input_file const& file, std::string_view head);
  static std::optional<file_source> parse(std::string_view text);
  std::string text() const;
};

/// What the end of a compressed file is noted as: a source of its own, and the length of what is in it as the place.
struct compressed_end {
  static std::string source(std::string const& file, std::uint64_t compressed_size);
  static cursor part(std::string const& file, std::uint64_t compressed_size, std::uint64_t length);
  /// Whether all of the file was done.
  static bool is_done(done_parts const& done, std::string const& file, std::uint64_t compressed_size);
};

/// The files of earlier runs.
class known_files {
 public:
  /// `paths`: all files of this run.
  known_files(done_parts const& done, std::vector<std::string> const& paths);

  /// The source of this file: that of an earlier run if it is the same file, else a new one.
  std::string source_of(input_file const& file);

 private:
  struct known {
    file_source source;
    std::string text;
    std::string at = {};     // the file of this run that has its inode: that, or one that was written in its place
    bool is_taken = false;  // by another one, that is the same by its path or its beginning
  };

  known* with_inode(input_file::identity const& who, std::string_view head);
  bool is_free(known const& k) const;
  void note_path(std::string const& path);

  std::vector<known> all_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_inode_, by_full_head_;
  std::unordered_multimap<std::string, std::size_t> by_path_;
  std::unordered_map<std::string, std::size_t> same_path_;  // files of this run, by their absolute paths
};

}  // namespace procx::inline v1::detail
