#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>

namespace procx::inline v1::detail {

/// A range that can be gone through once, as elements are wanted. `Range` has a `bool draw(T& into)`: false if there are no more.
template <class Range, class T>
class drawn_range : public std::ranges::view_interface<Range> {
 public:
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    explicit iterator(drawn_range& range) noexcept : range_(&range) {}
    T& operator*() const noexcept { return range_->current_; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.is_at_end(); }

   private:
    bool is_at_end() const noexcept { return !range_->there_; }

    drawn_range* range_ = nullptr;
  };

  /// Draws the first element.
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void advance() { there_ = static_cast<Range&>(*this).draw(current_); }

  T current_{};
  bool there_ = false;
};

}  // namespace procx::inline v1::detail
