#pragma once

#include <procx/detail/system/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// The operations that wait for the outcomes of tasks, by the tasks' numbers. Numbers count up and tasks end in about that
/// order, so that the operations lie in a ring; the few that stay behind when many others have come and gone move into a map,
/// so that one task which never ends does not make the ring grow for ever. Not thread-safe: the loop thread has it.
class completions {
 public:
  /// An operation, or null for a posted task.
  using waiting = std::unique_ptr<operation>;

  /// Has memory for the operations of tasks from `first` on, which is not below any number before, and below `end`.
  void reserve(std::uint64_t first, std::uint64_t end);
  /// Those of the tasks from `first` on, for which there is memory.
  void add(std::uint64_t first, std::span<waiting> operations) noexcept;
  /// The operation of this task, which is there and goes.
  waiting take(std::uint64_t number) noexcept {
    if (number - begin_ >= end_ - begin_) [[unlikely]] return take_old(number);
    slot& s = at(number);
    s.is_there = false;
    --in_ring_;
    if (number == begin_) skip_empty();
    return std::move(s.op);
  }
  /// Any of them, with its number; none if there is none.
  std::optional<std::pair<std::uint64_t, waiting>> take_any() noexcept;
  /// Returns true if this task, which is there, was posted: no operation waits for its outcome.
  bool is_posted(std::uint64_t number) const noexcept;

  std::size_t size() const noexcept { return in_ring_ + old_.size(); }
  /// Slots for which there is memory now.
  std::size_t capacity() const noexcept { return slots_.size(); }

 private:
  struct slot {
    waiting op;
    bool is_there = false;
  };
  static constexpr std::size_t least = 64;     // slots
  static constexpr std::size_t sparse = 4;     // so many slots for each that is used: the old ones move out
  static constexpr std::size_t most_kept = std::size_t{1} << 17;  // slots, of an empty ring

  slot& at(std::uint64_t number) noexcept { return slots_[static_cast<std::size_t>(number) & (slots_.size() - 1)]; }
  slot const& at(std::uint64_t number) const noexcept { return const_cast<completions&>(*this).at(number); }
  void skip_empty() noexcept {
    if (in_ring_ == 0) begin_ = end_;
    while (begin_ != end_ && !at(begin_).is_there) ++begin_;
  }
  void move_out_old(std::uint64_t before);
  void grow(std::size_t slots);
  waiting take_old(std::uint64_t number) noexcept;

  std::vector<slot> slots_;     // a power of two of them, or none
  std::uint64_t begin_ = 0;     // of the ring: the first that is there
  std::uint64_t end_ = 0;
  std::size_t in_ring_ = 0;
  std::unordered_map<std::uint64_t, waiting> old_;
};

}  // namespace procx::inline v1::detail
