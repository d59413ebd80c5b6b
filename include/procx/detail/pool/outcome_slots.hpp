#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace procx::inline v1::detail {

/// A queue of places which are filled in any order and emptied from the front. What is in one stays where it is in memory.
///
/// As a `std::deque<std::optional<T>>`, whose blocks are so small that most of its cost is theirs.
template <class T>
class outcome_slots {
 public:
  using place = std::optional<T>;

  /// Up to the last one that was ever asked for.
  std::size_t size() const noexcept { return end_ - begin_; }
  bool is_filled(std::size_t i) const noexcept { return i < size() && at(begin_ + i); }
  /// Counted from the front; made if it is not there.
  place& operator[](std::size_t i) {
    std::size_t const n = begin_ + i;
    if (n >= blocks_.size() * block_size) [[unlikely]] add_blocks(n);
    end_ = std::max(end_, n + 1);
    return at(n);
  }
  place& front() noexcept { return at(begin_); }
  void pop_front() noexcept {
    front().reset();
    if (++begin_ == block_size) drop_block();
  }

 private:
  static constexpr std::size_t block_size = std::clamp<std::size_t>(16 * 1024 / sizeof(place), 1, 256);
  static constexpr std::size_t most_spare = 32;
  using block = std::array<place, block_size>;

  place& at(std::size_t n) const noexcept { return (*blocks_[n / block_size])[n % block_size]; }
  [[gnu::noinline]] void add_blocks(std::size_t n) {
    while (n >= blocks_.size() * block_size) blocks_.push_back(std::make_unique_for_overwrite<block>());
  }
  /// The first one, which is empty now, is used again behind the others, unless enough wait for that.
  [[gnu::noinline]] void drop_block() noexcept {
    begin_ -= block_size;
    end_ -= block_size;
    std::ranges::rotate(blocks_, blocks_.begin() + 1);
    if (blocks_.size() > end_ / block_size + most_spare) blocks_.pop_back();
  }

  std::vector<std::unique_ptr<block>> blocks_;
  std::size_t begin_ = 0;  // in the first block
  std::size_t end_ = 0;    // counted from where that one begins
};

}  // namespace procx::inline v1::detail
