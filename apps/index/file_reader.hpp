#pragma once

#include "files.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace indexer {

/// What came of reading a file.
struct reading {
  indexer::fate fate = fate::indexed;
  int error = 0;  ///< errno, for fate::unreadable
  indexer::stamp stamp;
};

/// Reads files, one after the other.
///
/// As soon as one of them is not in memory, the next ones are fetched from the disk while this one is waited for and
/// worked on: a disk is many times as fast when it is asked for several things at once. What is in memory already is read
/// at no extra cost: whether it is comes from the read itself (RWF_NOWAIT, preadv2(2)).
class file_reader {
 public:
  /// The paths must stay. Files beyond `max_bytes` are not read.
  file_reader(std::vector<std::string const*> paths, std::int64_t max_bytes);
  file_reader(file_reader const&) = delete;
  file_reader& operator=(file_reader const&) = delete;
  ~file_reader();

  /// Reads the whole of the next file into `text`, no further than the size it has when it is opened.
  ///
  /// Never blocks on what only looks like a file (FIFOs, devices), never follows a symbolic link. Waits up to 20 ms if the
  /// file has been written within these, because a further change might not show in its times. Throws std::bad_alloc only.
  reading next(std::string& text);

 private:
  int open_next();  ///< negative, with errno, if it cannot be opened
  void fetch_ahead();
  int read_up_to(int file, std::string& text, std::size_t size);

  std::vector<std::string const*> paths_;
  std::int64_t max_bytes_;
  std::size_t next_ = 0;
  std::deque<int> opened_;  ///< those that are next, where they have been opened ahead
  bool waited_ = false;     ///< for the disk, at some file
};

}  // namespace indexer
