#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace etl {

/// Reads bytes from a descriptor, one after the other; unpacked, if they are gzip: of any number of members, with or without zeros
/// behind them.
class byte_reader {
 public:
  /// Owns the descriptor. Throws std::system_error if it cannot be read.
  explicit byte_reader(int fd);
  byte_reader(byte_reader const&) = delete;
  byte_reader& operator=(byte_reader const&) = delete;
  ~byte_reader();

  bool is_gzip() const { return gzip_; }
  /// Appends that number of bytes to a string; fewer only at the end of the input. Throws std::system_error if they cannot be read.
  void read(std::string& to, std::size_t most);
  /// Number of bytes that were read from the descriptor.
  std::uint64_t taken() const { return taken_; }
  /// Why nothing more comes though the data is not complete: it is cut off, or damaged.
  std::optional<std::string> const& problem() const { return problem_; }

 private:
  struct inflater;

  void fill();
  std::size_t unpack(char* to, std::size_t size);
  bool next_member();

  int fd_;
  bool gzip_ = false, end_ = false;
  std::uint64_t taken_ = 0;
  std::string packed_;  ///< or plain: what was read and not given yet
  std::size_t at_ = 0;
  std::unique_ptr<inflater> inflater_;
  std::optional<std::string> problem_;
};

}  // namespace etl
