#include <procx/pipeline/read_blocks.hpp>

#include "pipeline/files/file_source.hpp"
#include "pipeline/files/gzip_reader.hpp"
#include "pipeline/files/input_file.hpp"

#include <procx/error/errc.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace procx::inline v1 {
namespace {

constexpr std::size_t inflated_at_once = 256 * 1024;
constexpr std::uint64_t nowhere = ~std::uint64_t{0};

using taker = std::function<void(text_block)>;

detail::input_file open_again(file_part const& part) {
  detail::input_file file(part.path);
  if (file.who().device != part.device || file.who().inode != part.inode)
    file.fail(errc::protocol_error, "has been replaced by another file since it was cut into parts");
  return file;
}

void read_plain(file_part const& part, taker const& take) {
  detail::input_file const file = open_again(part);
  std::uint64_t const size = part.from.end - part.from.begin;
  std::string bytes = file.bytes_at(part.from.begin, static_cast<std::size_t>(size));
  if (bytes.size() < size)
    file.fail(errc::protocol_error, "was cut while it was read: it ends at " + std::to_string(part.from.begin + bytes.size()) + ", before " +
                                        std::to_string(part.from.end));
  take({part.path, part.from, std::move(bytes), part.continues_line});
}

/// Cuts what comes into blocks of whole lines, without what was done before.
class block_cutter {
 public:
  block_cutter(file_part const& part, taker const& take) : part_(part), take_(take) {}

  /// More content is to be put there.
  std::span<char> room() {
    filled_ = pending_.size();
    pending_.resize(filled_ + inflated_at_once);
    return std::span(pending_).subspan(filled_);
  }
  void add(std::size_t size) {
    pending_.resize(filled_ + size);
    while (cut()) {}
  }
  /// Whole lines that are left; the last one may have no line feed if `all`.
  void flush(bool all) {
    std::size_t const feed = pending_.rfind('\n');
    std::size_t const whole = all ? pending_.size() : feed == pending_.npos ? 0 : feed + 1;
    if (whole > 0) give(whole);
  }
  bool has_rest() const noexcept { return !pending_.empty(); }
  std::uint64_t offset() const noexcept { return at_; }

 private:
  bool cut() {
    while (done_ < part_.done.size() && part_.done[done_].end <= at_) ++done_;
    if (pending_.empty()) return false;
    std::uint64_t done_from = nowhere;
    if (done_ < part_.done.size()) {
      auto const& done = part_.done[done_];
      if (done.begin <= at_) return skip(done.end - at_);
      done_from = done.begin;
    }
    std::uint64_t const gap = done_from - at_;
    if (pending_.size() >= gap && gap <= part_.part_size)
      return give(static_cast<std::size_t>(gap));
    if (pending_.size() < part_.part_size) return false;
    searched_ = std::max(searched_, part_.part_size - 1);
    std::size_t const feed = pending_.find('\n', searched_);
    if (feed != pending_.npos) return give(static_cast<std::size_t>(std::min<std::uint64_t>(feed + 1, gap)));
    searched_ = pending_.size();
    if (searched_ - part_.part_size > part_.longest_line)
      throw file_error(errc::value_too_large, part_.path, "has a line of more than " + std::to_string(part_.longest_line) +
                                                              " bytes that goes on at " + std::to_string(at_ + searched_) +
                                                              " of its content");
    return false;
  }
  bool skip(std::uint64_t size) {
    auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(size, pending_.size()));
    last_ = pending_[n - 1];
    pending_.erase(0, n);
    at_ += n;
    return true;
  }
  bool give(std::size_t size) {
    text_block block{part_.path, {part_.from.source, at_, at_ + size}, std::move(pending_), last_ != '\n'};
    pending_ = block.bytes.substr(size);
    block.bytes.resize(size);
    at_ += size;
    searched_ = 0;
    last_ = block.bytes.back();
    take_(std::move(block));
    return true;
  }

  file_part const& part_;
  taker const& take_;
  std::string pending_;
  std::uint64_t at_ = 0;  // offset of its first byte
  std::size_t filled_ = 0;
  std::size_t searched_ = 0;  // in what is pending
  std::size_t done_ = 0;      // the first range of what was done that ends behind `at_`
  char last_ = '\n';          // before what is pending
};

void read_compressed(file_part const& part, taker const& take) {
  detail::input_file const file = open_again(part);
  detail::gzip_reader content(file);
  block_cutter blocks(part, take);
  for (std::size_t n = 1; n > 0;) {
    try {
      n = content.read(blocks.room());
    } catch (file_error const&) {
      blocks.add(0);
      blocks.flush(false);
      throw;
    }
    blocks.add(n);
  }
  blocks.flush(!part.leaves_unfinished_line);
  if (!blocks.has_rest())
    take({part.path, detail::compressed_end::part(part.from.source, part.compressed_size, blocks.offset()), {}, false});
}

}  // namespace

void for_each_block(file_part const& part, std::function<void(text_block)> const& take) {
  part.is_gzip ? read_compressed(part, take) : read_plain(part, take);
}

}  // namespace procx::inline v1
