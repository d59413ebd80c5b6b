#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etl {

/// What a file is known by from run to run, and how far it has been counted. Offsets are those of the unpacked bytes.
///
/// A log is known by what it says: the hash of its first 4 KiB, and of the last ones before the place that has been reached. So it is
/// the same file when it was renamed, copied, packed or unpacked, or has grown. Of a file of less than 1 KiB name or inode have to be the
/// same as well.
struct known_file {
  std::int64_t id = 0;  ///< 0: new
  std::string name;
  std::uint64_t device = 0, inode = 0;
  std::uint64_t size = 0;       ///< of the file as it lies on the disk, when it was last read to its end
  std::int64_t modified = 0;    ///< likewise, in nanoseconds
  std::uint64_t head_size = 0, head_hash = 0;
  std::uint64_t tail_size = 0, tail_hash = 0;
  std::uint64_t offset = 0;  ///< where the first line begins that has not been counted
  std::uint64_t lines = 0;   ///< that lie before
  bool finished = false;     ///< there was nothing behind
  std::string problem;       ///< why it could not be read to its end
};

constexpr std::size_t head_bytes = 4096, tail_bytes = 4096;

/// Of what the last run knows, the file that begins with `head`, if there is one: the one that has been counted furthest. `head` is as
/// much as there is of the first 4 KiB.
known_file const* find_known(std::vector<known_file> const& all, known_file const& like, std::string_view head);

}  // namespace etl
