#pragma once

#include <procx/detail/dispatch/task_head.hpp>

#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// Tasks that follow each other in every respect: the owner's numbers count up, the same is called, and the arguments, all of
/// one length, lie one behind the other. So millions of small tasks are few entries in the schedule, and whatever is done to
/// them is done once. What befalls one of them takes that one out.
struct task_run {
  std::uint64_t id = 0;          ///< the owner's number of the first
  std::uint64_t length = 0;      ///< of the arguments of each, with what says so before them
  std::uint32_t count = 1;
  std::uint32_t weight = 0;      ///< of each, in bytes, as the schedule counts them
  std::uint32_t block = 0;       ///< of the task store: where the first's lie
  std::uint32_t offset = 0;      ///< small: a block that is full takes no more
  task_head head = {};
  std::uint32_t exceptions = 0;  ///< so often it has failed: one alone
  std::uint32_t deaths = 0;
  std::uint32_t lane = 0;   ///< whose they are
  bool has_slabs = false;   ///< one alone

  bool holds(std::uint32_t of, std::uint64_t task) const noexcept { return of == lane && task - id < count; }
  std::size_t weights() const noexcept { return std::size_t{weight} * count; }
  std::size_t bytes() const noexcept { return length * count; }

  /// The first `n`, which leave this run.
  task_run take_front(std::uint32_t n) noexcept {
    task_run front = *this;
    front.count = n;
    id += n;
    offset += static_cast<std::uint32_t>(n * length);
    count -= n;
    return front;
  }
  /// The last `n`, likewise.
  task_run take_back(std::uint32_t n) noexcept {
    task_run back = *this;
    back.take_front(count - n);
    count -= n;
    return back;
  }
  /// Takes in what follows; false if it does not.
  bool append(task_run const& next) noexcept {
    bool const follows = next.id == id + count && next.length == length && next.offset == offset + bytes() &&
                         next.block == block && next.weight == weight && next.lane == lane && next.head == head;
    if (!follows || !is_plain() || !next.is_plain()) return false;
    count += next.count;
    return true;
  }

 private:
  bool is_plain() const noexcept { return !has_slabs && exceptions + deaths == 0; }
};

}  // namespace procx::inline v1::detail
