#pragma once

#include "digester.hpp"
#include "input.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace etl {

/// What a worker has made of a chunk.
struct chunk_result {
  std::uint64_t input = 0;
  std::uint64_t number = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< offset of the first line that is not in it
  std::uint64_t weight = 0;
  bool last = false;
  bool unfinished = false;  ///< what stands behind the last line feed cannot be read and may grow: it is not in it
  std::uint64_t tail_size = 0, tail_hash = 0;  ///< of the last bytes before `end`
  std::string problem;
  digest counts;
};

/// What a worker keeps from chunk to chunk.
class chunk_reader {
 public:
  chunk_reader(time_field duration, std::uint64_t chunk_size)
      : digester_(duration), last_line_(duration), most_(chunk_size + longest_line + 2) {}
  chunk_reader(chunk_reader&& other) noexcept;
  chunk_reader& operator=(chunk_reader&&) = delete;
  ~chunk_reader();

  /// Throws std::runtime_error if the file cannot be read, or is not the one it was.
  chunk_result read(chunk const& what);

 private:
  std::string_view bytes_of(chunk const& what);
  void open(chunk const& what);
  std::string_view without_beginning_of_line(std::string_view lines, bool& unfinished);

  digester digester_;
  line_reader last_line_;
  std::uint64_t most_;
  std::string buffer_;
  std::string path_;  ///< of the open file
  std::uint64_t device_ = 0, inode_ = 0;
  int fd_ = -1;
};

}  // namespace etl
