#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/drawn_range.hpp>
#include <procx/pipeline/cursor.hpp>
#include <procx/pipeline/file_error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace procx::inline v1 {

/// Some lines of a file, which a worker is to read: what `file_parts` makes, and `read_blocks` takes.
struct file_part {
  std::string path = {};
  /// Where it lies. Of a compressed file the whole, with an end that is not known yet.
  cursor from = {};
  /// Which file it was that had the path.
  std::uint64_t device = 0, inode = 0;
  bool is_gzip = false;
  bool continues_line = false;  ///< see `text_block`
  // Of a compressed file:
  std::uint64_t compressed_size = 0;
  std::vector<done_parts::range> done = {};  ///< what need not be read of it again
  std::size_t part_size = 0, longest_line = 0;
  bool leaves_unfinished_line = false;
};

struct file_parts_options {
  /// Size of a part in bytes; it is a little longer, up to the end of its last line. 0: each file is one part.
  std::size_t part_size = std::size_t{1} << 20;
  /// What earlier runs have done, as a destination says: it is left out.
  done_parts done = {};
  /// Whether a last line without a line feed is left for a later run: of files that somebody else is writing to.
  bool leave_unfinished_line = false;
  /// The longest line, in bytes. A longer one is a problem of its file, which is not read from there on.
  std::size_t longest_line = std::size_t{64} << 20;
  /// Told of files that cannot be read, or were cut since an earlier run, and passed over. Null: the problem is thrown out of the loop.
  std::function<void(file_error const&)> on_problem = nullptr;
};

/// Files in parts that end at ends of lines, as an input range for `feed_chunk`; each file is opened when the range gets to it, and
/// one at a time. What is in a file then is read; what is written to it later is for the next run.
///
/// A file that is compressed by gzip, whatever its name, is one part: it can only be read from its beginning.
///
/// The source of a part is made of the file's device, inode and time of birth, of its first bytes (64 KiB, or as many as it had), and
/// of its path. A file of a later run is the same one, and goes on where it was left, if it still begins with those bytes and has
/// * the inode and time of birth: renamed, as by a rotation of logs; or
/// * the path, and those were at least 4,096 bytes: written anew, as by rsync; or
/// * neither, and those were all 64 KiB, unless the one they are of is there too: copied, and renamed.
///
/// Any other file is a new one, whatever had its name before. One that is met twice in a run, by a link, is read once.
/// Errors: file_error for one that cannot be read, that is no regular file, that has become shorter than what was done of it, or has
/// too long a line, unless there is an `on_problem`.
/// Cost: one open file and some 4 KiB read for each part.
/// \code
/// px::sqlite_destination<visit> db("visits.db", ...);
/// ...
/// p.feed_chunk(px::file_parts(px::files({"logs/*.log"}), {.done = db.done()}));
/// \endcode
class file_parts : public detail::drawn_range<file_parts, file_part> {
 public:
  explicit file_parts(std::vector<std::string> paths, file_parts_options options = {});
  file_parts(file_parts&&) noexcept;
  file_parts& operator=(file_parts&&) noexcept;
  ~file_parts();

 private:
  class cutter;

  friend class detail::drawn_range<file_parts, file_part>;
  bool draw(file_part& into);

  std::unique_ptr<cutter> cutter_;
};

}  // namespace procx::inline v1
