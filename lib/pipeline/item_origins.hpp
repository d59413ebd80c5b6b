#pragma once

#include "dispatch/tasks/ring_queue.hpp"

#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// Which fed item each item of a segment comes from. Items are numbered from 0 in the order in which they came to the segment;
/// those that are over, and all before them, are forgotten. Those of the first segment are the fed ones. Cost: 8 bytes for each item
/// between the oldest and the newest; of the first segment nothing.
class item_origins {
 public:
  explicit item_origins(bool are_fed) noexcept : are_fed_(are_fed) {}

  /// The number of the next item, which comes from this fed one.
  std::uint64_t add(std::uint64_t origin) {
    items_.push_back(origin);
    return first_ + items_.size() - 1;
  }
  std::uint64_t next() const noexcept { return first_ + items_.size(); }
  std::uint64_t of(std::uint64_t item) const noexcept {
    return are_fed_ ? item : items_[static_cast<std::size_t>(item - first_)] & ~is_over;
  }
  void over(std::uint64_t item) noexcept {
    if (are_fed_) return;
    if (item != first_) {
      items_[static_cast<std::size_t>(item - first_)] |= is_over;
      return;
    }
    do {
      items_.pop_front();
      ++first_;
    } while (!items_.empty() && (items_.front() & is_over));
  }

 private:
  static constexpr std::uint64_t is_over = std::uint64_t{1} << 63;

  bool const are_fed_;
  ring_queue<std::uint64_t> items_;
  std::uint64_t first_ = 0;
};

}  // namespace procx::inline v1::detail
