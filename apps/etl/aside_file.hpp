#pragma once

#include "digest.hpp"
#include "known_file.hpp"

#include <cstdint>
#include <string>

namespace etl {

/// The file that lines which cannot be read are set aside in: one a line, as file, line number, offset, reason and text, with tabs
/// between them. The text comes last, and is as it was.
///
/// Its length is kept in the database, and what lies behind that is cut off when it is opened: so each line is in it once, however a run
/// has ended. Members throw failure if it cannot be written.
class aside_file {
 public:
  /// Does not make the file before there is something to write.
  aside_file(std::string const& path, std::uint64_t length);
  aside_file(aside_file const&) = delete;
  aside_file& operator=(aside_file const&) = delete;
  ~aside_file();

  static std::string path_for(std::string const& database) { return database + "-invalid.tsv"; }

  void add(known_file const& file, std::uint64_t begin, digest const& counts, flawed_line const& line);
  /// What was added is on the disk after this. Returns the length.
  std::uint64_t sync();

 private:
  void open();
  void write();

  std::string path_;
  std::uint64_t length_;
  int fd_ = -1;
  bool dirty_ = false;
  std::string waiting_;
};

}  // namespace etl
