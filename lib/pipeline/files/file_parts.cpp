#include <procx/pipeline/file_parts.hpp>

#include "pipeline/files/file_source.hpp"
#include "pipeline/files/input_file.hpp"

#include <procx/error/errc.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace procx::inline v1 {
namespace {

constexpr std::size_t first_step = 4096, longest_step = std::size_t{1} << 20;  // read at once to find the end of a line
constexpr std::uint64_t not_known = ~std::uint64_t{0};

bool is_compressed(detail::input_file const& file) {
  std::string const magic = file.bytes_at(0, 2);
  return magic == "\x1f\x8b";
}

}  // namespace

/// Goes from file to file, and in one from gap to gap between what was done.
class file_parts::cutter {
 public:
  cutter(std::vector<std::string> paths, file_parts_options options)
      : paths_(std::move(paths)), options_(std::move(options)), known_(options_.done, paths_) {
    if (options_.part_size == 0) options_.part_size = not_known;
  }

  bool next(file_part& into) {
    for (;;) try {
        if (!file_ && !open_next()) return false;
        if (!file_) continue;
        if (cut(into)) return true;
        file_.reset();
      } catch (file_error const& problem) {
        file_.reset();
        if (!options_.on_problem) throw;
        options_.on_problem(problem);
      }
  }

 private:
  /// The next file of which something is to be read, if any; false if there are no more.
  bool open_next() {
    if (at_ == paths_.size()) return false;
    detail::input_file file(std::move(paths_[at_++]));
    if (file.size() == 0) return true;
    if (!seen_.insert({file.who().device, file.who().inode}).second) return true;
    source_ = known_.source_of(file);
    compressed_ = is_compressed(file);
    if (compressed_ && detail::compressed_end::is_done(options_.done, source_, file.size())) return true;
    auto const done = options_.done.ranges(source_);
    if (!compressed_ && !done.empty() && done.back().end > file.size())
      file.fail(errc::protocol_error, "has been cut: " + std::to_string(done.back().end) + " bytes of it were read before, and it has " +
                                          std::to_string(file.size()));
    gaps_ = compressed_ ? std::vector<done_parts::range>{{0, not_known}} : options_.done.missing(source_, 0, file.size());
    gap_ = 0;
    file_.emplace(std::move(file));
    return true;
  }

  bool cut(file_part& into) {
    while (gap_ < gaps_.size() && gaps_[gap_].begin == gaps_[gap_].end) ++gap_;
    if (gap_ == gaps_.size()) return false;
    auto& gap = gaps_[gap_];
    std::uint64_t const begin = gap.begin, end = compressed_ ? not_known : end_of_part(gap);
    if (begin == end) return false;
    into = file_part{.path = file_->path(), .from = {source_, begin, end}, .device = file_->who().device, .inode = file_->who().inode,
                     .is_gzip = compressed_, .continues_line = begin > 0 && file_->bytes_at(begin - 1, 1) != "\n"};
    if (compressed_) {
      into.compressed_size = file_->size();
      into.done = options_.done.ranges(source_);
      into.part_size = options_.part_size;
      into.longest_line = options_.longest_line;
      into.leaves_unfinished_line = options_.leave_unfinished_line;
    }
    gap.begin = end;
    return true;
  }

  /// Behind the first line feed at or behind the last byte of a part of the size that is wanted.
  std::uint64_t end_of_part(done_parts::range const& gap) {
    std::uint64_t const size = gap.end - gap.begin;
    if (size <= options_.part_size) return end_of_gap(gap);
    std::uint64_t const wanted = gap.begin + options_.part_size - 1;
    std::uint64_t step = first_step;
    for (std::uint64_t at = wanted; at < gap.end; at += step, step = std::min<std::uint64_t>(2 * step, longest_step)) {
      std::string const some = file_->bytes_at(at, static_cast<std::size_t>(std::min(step, gap.end - at)));
      std::size_t const feed = std::min(some.find('\n'), some.size());
      if (at + feed - wanted > options_.longest_line) throw_long_line(at + feed);
      if (feed < some.size()) return at + feed + 1;
      if (some.empty()) break;  // it is being cut
    }
    return end_of_gap(gap);
  }
  /// The end of the file may be one of a line that is still written.
  std::uint64_t end_of_gap(done_parts::range const& gap) {
    if (!options_.leave_unfinished_line || gap.end < file_->size()) return gap.end;
    for (std::uint64_t end = gap.end; end > gap.begin;) {
      std::uint64_t const from = end - std::min<std::uint64_t>(longest_step, end - gap.begin);
      std::string const some = file_->bytes_at(from, static_cast<std::size_t>(end - from));
      if (std::size_t const feed = some.rfind('\n'); feed != some.npos) return from + feed + 1;
      end = from;
    }
    return gap.begin;
  }
  [[noreturn]] void throw_long_line(std::uint64_t at) const {
    file_->fail(errc::value_too_large, "has a line of more than " + std::to_string(options_.longest_line) + " bytes that goes on at " +
                                           std::to_string(at));
  }

  std::vector<std::string> paths_;
  file_parts_options options_;
  detail::known_files known_;
  std::size_t at_ = 0;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;  // devices and inodes
  std::optional<detail::input_file> file_;
  std::string source_;
  bool compressed_ = false;
  std::vector<done_parts::range> gaps_;
  std::size_t gap_ = 0;
};

file_parts::file_parts(std::vector<std::string> paths, file_parts_options options)
    : cutter_(std::make_unique<cutter>(std::move(paths), std::move(options))) {}
file_parts::file_parts(file_parts&&) noexcept = default;
file_parts& file_parts::operator=(file_parts&&) noexcept = default;
file_parts::~file_parts() = default;

bool file_parts::draw(file_part& into) { return cutter_->next(into); }

}  // namespace procx::inline v1
