#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/drawn_range.hpp>
#include <procx/pipeline/text_block.hpp>

#include <cstddef>
#include <istream>
#include <string>
#include <utility>

namespace procx::inline v1 {

/// The lines of a stream in blocks of whole ones, as an input range for `feed_chunk`: see `blocks`.
class stream_blocks : public detail::drawn_range<stream_blocks, text_block> {
 public:
  stream_blocks(std::istream& from, std::string source, std::size_t size) noexcept
      : from_(&from), source_(std::move(source)), size_(size > 0 ? size : 1) {}

 private:
  friend class detail::drawn_range<stream_blocks, text_block>;
  bool draw(text_block& into) {
    std::string bytes(size_, '\0');
    from_->read(bytes.data(), static_cast<std::streamsize>(size_));
    bytes.resize(static_cast<std::size_t>(from_->gcount()));
    if (bytes.size() == size_ && bytes.back() != '\n') {
      std::string rest;
      if (std::getline(*from_, rest)) bytes += rest;
      if (from_->good()) bytes += '\n';
    }
    if (bytes.empty()) return false;
    into = {source_, {source_, at_, at_ + bytes.size()}, std::move(bytes)};
    at_ = into.from.end;
    return true;
  }

  std::istream* from_;
  std::string source_;
  std::size_t size_;
  std::uint64_t at_ = 0;
};

/// Lines of a stream, `size` bytes of them at once or a little more, up to the end of the last one; a block is given when it is full, so
/// `px::lines` serves better where lines come slowly. The stream outlives it; after the loop its state says whether it was read to
/// the end (`eof`) or failed.
///
/// What comes from a stream cannot be asked for again: without a `source` nothing is noted as done. One whose bytes are the same in
/// each run may have a name.
inline stream_blocks blocks(std::istream& from, std::string source = {}, std::size_t size = std::size_t{1} << 20) {
  return {from, std::move(source), size};
}

}  // namespace procx::inline v1
