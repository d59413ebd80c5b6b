#pragma once

#include "byte_reader.hpp"
#include "known_file.hpp"
#include "log_time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace etl {

/// Whole lines of an input, for a worker. At its end an input gives one that is `last`, and has no lines.
struct chunk {
  std::uint64_t input = 0;  ///< its number among the inputs
  std::uint64_t number = 0;  ///< of the chunk in its input, from 0
  std::uint64_t begin = 0;  ///< offset in the unpacked bytes of the first line
  std::uint64_t end = 0;    ///< and of the line behind the last one
  std::uint64_t weight = 0;  ///< bytes on the disk that it stands for, for the progress
  bool in_file = false;      ///< the worker is to read it from the file `path`, which has these numbers
  std::uint64_t device = 0, inode = 0;
  std::string path;
  std::string bytes;       ///< otherwise. Of a line that is too long only the beginning.
  bool may_grow = false;   ///< what stands behind the last line feed may be the beginning of a line
  bool last = false;
  std::string problem;     ///< if it is the last: why there is no more
};

/// An input that is read from front to back. What cannot be read ends it, with a problem.
class input {
 public:
  virtual ~input() = default;
  input(input const&) = delete;
  input& operator=(input const&) = delete;

  known_file const& file() const { return file_; }
  /// The first time that the next chunk has; that of the one before if it has none.
  epoch_seconds time() const { return time_; }
  /// The next chunk; none after the one that was the last.
  std::optional<chunk> take();

 protected:
  input(known_file file, std::uint64_t number, std::uint64_t chunk_size, epoch_seconds first_time)
      : file_(std::move(file)), number_(number), chunk_size_(chunk_size), time_(first_time), given_(file_.offset) {}

  /// These throw std::system_error.
  virtual void open() = 0;
  /// Makes the next chunk, the last at the end.
  virtual chunk make() = 0;

  /// Where chunks end as a rule: at the first line behind a multiple of the chunk size. So they are the same ones whether or not a run was
  /// interrupted.
  std::uint64_t next_border(std::uint64_t from) const { return (from / chunk_size_ + 1) * chunk_size_; }
  chunk new_chunk(std::uint64_t begin) const;

  known_file file_;
  std::uint64_t number_, chunk_size_;
  epoch_seconds time_;

 private:
  chunk look_ahead();
  chunk end_with(std::string problem) const;

  bool opened_ = false, over_ = false;
  std::uint64_t chunks_ = 0;  ///< that were taken
  std::uint64_t given_ = 0;  ///< offset behind the last chunk that was taken
  std::optional<chunk> ahead_;
};

/// What an input is known by and begins with. It is opened for this and closed again, except standard input.
struct first_look {
  known_file file;
  std::string head;     ///< the first 4 KiB, unpacked
  bool is_stream = false;  ///< packed, or no regular file: it is read from the beginning by this process
  bool is_packed = false;
  epoch_seconds time = 0;  ///< the first one in the head
  std::uint64_t size = 0;  ///< on the disk; 0 if that is not known
  std::unique_ptr<byte_reader> opened;  ///< standard input's
};
/// Throws std::system_error.
first_look look_at(std::string const& name);

/// The first time in some lines of a log.
std::optional<epoch_seconds> time_in(std::string_view lines);

std::unique_ptr<input> make_input(first_look look, known_file file, std::uint64_t number, std::uint64_t chunk_size);

/// Whether a regular, unpacked file has before `file.offset` what it had when it was counted.
bool is_continued(known_file const& file);

}  // namespace etl
