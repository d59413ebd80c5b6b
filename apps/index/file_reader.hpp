#pragma once

#include "files.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
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
  file_reader(std::vector<char const*> paths, std::int64_t max_bytes);

  /// Reads the whole of the next file into `text`, no further than the size it has when it is opened.
  ///
  /// Never blocks on what only looks like a file (FIFOs, devices), never follows a symbolic link. Waits up to 20 ms if the
  /// file has been written within these, because a further change might not show in its times; where that would take
  /// seconds, the stamp is spoilt instead. A file that is cut short meanwhile is read again, and unreadable if that goes on.
  /// Throws std::bad_alloc only.
  reading next(std::string& text);

 private:
  class descriptor {
   public:
    explicit descriptor(int number = -1) : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
      std::swap(number_, other.number_);
      return *this;
    }
    ~descriptor();
    int number() const noexcept { return number_; }

   private:
    int number_;
  };

  descriptor open_next();  ///< a negative one, with errno, if it cannot be opened
  reading read(descriptor const& file, std::string& text);
  void fetch_ahead();
  int read_up_to(int file, std::string& text, std::size_t size);

  std::vector<char const*> paths_;
  std::int64_t max_bytes_;
  std::size_t next_ = 0;
  std::deque<descriptor> opened_;  ///< those that are next, where they have been opened ahead
  bool waited_ = false;     ///< for the disk, at some file
};

}  // namespace indexer
