#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

struct stat;

namespace indexer {

constexpr std::int64_t nanoseconds(timespec const& t) { return t.tv_sec * 1'000'000'000LL + t.tv_nsec; }

/// What tells whether a file has changed since it was read. The change time sees what a restored modification time hides.
struct stamp {
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::int64_t bytes = 0;
  std::int64_t inode = 0;

  static stamp of(struct stat const& status);
  /// Makes it one that no file has: the next build reads the file again.
  void spoil() { inode = 0; }
  /// Whether nothing says that they are of different files, or of different times.
  bool agrees_with(stamp other) const {
    if (inode == 0 || other.inode == 0) other.inode = inode;
    return *this == other;
  }
  friend bool operator==(stamp const&, stamp const&) = default;
};

/// The path without links and detours; empty, with errno, if there is no such file.
std::string real_path(std::string const& path);

/// What became of a file. The numbers are stored in the index.
enum class fate : int {
  indexed = 0,
  binary = 1,
  unreadable = 2,  ///< opening or reading it failed
  too_large = 3,   ///< beyond the limit the user has set
  failed = 4,      ///< the worker that read it died of it, or threw
  closed = 5,      ///< a directory that could not be listed
  vanished = 6,    ///< gone, or no longer a file, when its turn came; never stored
};

/// "binary", "unreadable" and so on.
char const* name(fate value);

/// A file as the walk found it, or a directory that could not be listed.
struct found_file {
  std::string path;    ///< absolute; any bytes but NUL
  indexer::stamp stamp;
  std::string reason;  ///< why the directory could not be listed; empty for a file

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & path & stamp & reason;
  }
};

/// A file as the index knows it: one row.
struct known_file {
  std::int64_t id = 0;  ///< also its row in the full-text table, if it is indexed
  std::string path;
  indexer::fate fate = fate::indexed;
  std::string reason;      ///< of what is not indexed: "Permission denied", "killed by SIGSEGV"
  std::int64_t shard = 0;  ///< which shard holds its words; 0 if none does
  indexer::stamp stamp;
  std::int64_t lines = 0;
};

/// What reading a file costs, in bytes: opening it counts too.
inline std::int64_t weight_of(std::int64_t bytes) { return bytes + 512; }

}  // namespace indexer
