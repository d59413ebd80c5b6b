#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace procx::inline v1::detail {

/// Which fed item each item of a segment comes from. Items are numbered from 0 in the order in which they came to the segment;
/// those that are over, and all before them, are forgotten. Cost: 16 bytes for each item between the oldest and the newest.
class item_origins {
 public:
  /// The number of the next item, which comes from this fed one.
  std::uint64_t add(std::uint64_t origin) {
    items_.push_back({origin, false});
    return first_ + items_.size() - 1;
  }
  std::uint64_t next() const noexcept { return first_ + items_.size(); }
  std::uint64_t of(std::uint64_t item) const noexcept { return items_[static_cast<std::size_t>(item - first_)].origin; }
  void over(std::uint64_t item) noexcept {
    items_[static_cast<std::size_t>(item - first_)].is_over = true;
    for (; !items_.empty() && items_.front().is_over; ++first_) items_.pop_front();
  }

 private:
  struct entry {
    std::uint64_t origin;
    bool is_over;
  };
  std::deque<entry> items_;
  std::uint64_t first_ = 0;
};

}  // namespace procx::inline v1::detail
