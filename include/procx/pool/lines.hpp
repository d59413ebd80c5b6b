#pragma once

#include <procx/version.hpp>

#include <cstddef>
#include <istream>
#include <iterator>
#include <ranges>
#include <string>

namespace procx::inline v1 {

/// The lines of a stream, without their ends, as a range for `pmap`, `for_each` and `feed_chunk`: read as they are wanted, so
/// that input of any length takes the memory of a few lines. The last one need not have an end; a carriage return before the end is
/// part of the line. The stream outlives it; after the loop its state says whether it was read to the end (`eof`) or failed.
/// \code
/// for (std::size_t n : px::pmap(count_words, px::lines(std::cin))) total += n;
/// \endcode
class line_range : public std::ranges::view_interface<line_range> {
 public:
  class iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    explicit iterator(line_range& lines) noexcept : lines_(&lines) {}
    std::string& operator*() const noexcept { return lines_->line_; }
    iterator& operator++() {
      lines_->read();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.is_at_end(); }

   private:
    bool is_at_end() const noexcept { return !lines_->there_; }

    line_range* lines_ = nullptr;
  };

  explicit line_range(std::istream& from) noexcept : from_(&from) {}

  /// Reads the first line. Throws what the stream throws, if it was told to.
  iterator begin() {
    read();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void read() { there_ = static_cast<bool>(std::getline(*from_, line_)); }

  std::istream* from_;
  std::string line_;
  bool there_ = false;
};

inline line_range lines(std::istream& from) noexcept { return line_range(from); }

}  // namespace procx::inline v1
