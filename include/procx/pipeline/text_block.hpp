#pragma once

#include <procx/version.hpp>

#include <procx/pipeline/cursor.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace procx::inline v1 {

/// Whole lines, one behind the other, as they lie in a file, and where they lie there.
struct text_block {
  std::string name = {};   ///< of the file, as it was given
  cursor from = {};        ///< offsets in the file; if that is compressed, in what is in it
  std::string bytes = {};  ///< ends with a line feed, unless it is the end of the file
  /// It begins in a line that was read before, when the file was shorter: its first byte is not part of another one if it is a line
  /// feed.
  bool continues_line = false;
};

/// A line of a block, valid as long as that.
struct text_line {
  std::string_view text;    ///< without its end
  std::uint64_t offset = 0;  ///< of its first byte, as `text_block::from` counts
};

/// What becomes of a carriage return before a line feed.
enum class carriage_return {
  keep,  ///< it is part of the line
  cut,   ///< it is part of the line's end
};

/// The lines of a block, as a range; NULs are bytes as any others.
/// \code
/// for (px::text_line const& line : px::lines(block)) rows.push_back(parse(line.text));
/// \endcode
class block_lines {
 public:
  class iterator {
   public:
    using value_type = text_line;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    iterator() noexcept = default;
    iterator(std::string_view rest, std::uint64_t offset, carriage_return returns) noexcept
        : rest_(rest), offset_(offset), returns_(returns) {
      find();
    }
    text_line operator*() const noexcept {
      std::string_view text = rest_.substr(0, length_);
      if (returns_ == carriage_return::cut && has_end_ && text.ends_with('\r')) text.remove_suffix(1);
      return {text, offset_};
    }
    iterator& operator++() noexcept {
      std::size_t const whole = length_ + (has_end_ ? 1 : 0);
      rest_.remove_prefix(whole);
      offset_ += whole;
      find();
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator const before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(iterator const& a, iterator const& b) noexcept { return a.rest_.size() == b.rest_.size(); }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.rest_.empty(); }

   private:
    void find() noexcept {
      std::size_t const at = rest_.find('\n');
      has_end_ = at != rest_.npos;
      length_ = has_end_ ? at : rest_.size();
    }

    std::string_view rest_;
    std::uint64_t offset_ = 0;
    std::size_t length_ = 0;
    bool has_end_ = false;
    carriage_return returns_ = carriage_return::keep;
  };

  block_lines(text_block const& block, carriage_return returns) noexcept
      : bytes_(block.bytes), offset_(block.from.begin), returns_(returns) {
    if (block.continues_line && bytes_.starts_with('\n')) {
      bytes_.remove_prefix(1);
      ++offset_;
    }
  }
  iterator begin() const noexcept { return {bytes_, offset_, returns_}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::string_view bytes_;
  std::uint64_t offset_;
  carriage_return returns_;
};

inline block_lines lines(text_block const& block, carriage_return returns = carriage_return::keep) noexcept {
  return {block, returns};
}
block_lines lines(text_block const&& block, carriage_return returns = carriage_return::keep) = delete;

}  // namespace procx::inline v1
