#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The records of an FTS5 table that must be understood to splice tables together; all others are copied as they are.
///
/// An FTS5 table keeps its words in sorted runs, *segments*, each written once. The rows of its `_data` table are pages of
/// segments, numbered so that the number of the segment is in the upper bits of the row's; two rows describe the whole:
/// the *structure* lists the segments, the *averages* count documents and words. So a table that was built elsewhere is
/// taken over by copying its pages under a new segment number and rewriting those two rows. The format is documented at
/// the head of SQLite's fts5_index.c. Pure functions; what is malformed throws std::runtime_error.
namespace indexer::fts5 {

inline constexpr std::int64_t averages_row = 1;
inline constexpr std::int64_t structure_row = 10;

/// FTS5 refuses tables with more segments, and with segments of a larger number.
inline constexpr std::int64_t max_segments = 2000;

/// Row numbers of a segment's pages lie from here to before `first_row(segment + 1)`.
constexpr std::int64_t first_row(std::int64_t segment) { return segment << 37; }

struct segment {
  std::int64_t id = 0;
  std::int64_t first_page = 0;
  std::int64_t last_page = 0;
  friend bool operator==(segment const&, segment const&) = default;
};

struct structure {
  std::string cookie = std::string(4, '\0');  ///< changes with the table's configuration
  std::uint64_t writes = 0;
  std::vector<segment> segments;
};

structure decode_structure(std::string_view record);
/// With all segments on one level.
std::string encode(structure const& value);

/// How many documents a table of one column has, and how many words.
struct averages {
  std::uint64_t documents = 0;
  std::uint64_t words = 0;
};

averages decode_averages(std::string_view record);
std::string encode(averages const& value);

}  // namespace indexer::fts5
