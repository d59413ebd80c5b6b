#pragma once

#include "dispatch/tasks/task_run.hpp"

#include <procx/detail/memory/slab.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// The arguments of the tasks that are not over, ready to be sent, and sent again should their worker die. Which tasks there
/// are, and where theirs lie, is in the `schedule`.
///
/// They lie one behind the other in blocks of memory, each behind its length, as they are sent, in the order the
/// tasks were made: tasks that are handed out together leave in one write from where they are. A block is used again when
/// all its tasks are over.
class task_store {
 public:
  /// Where the arguments of the next task are to be written; `commit` or `abandon` comes next. Moves what lies in the same
  /// block, if it grows large.
  buffer& begin() {
    buffer& bytes = open();
    bytes.extend(arguments_length_size);
    return bytes;
  }
  /// Of what has been written.
  std::size_t open_size() const noexcept {
    return blocks_[open_block_].bytes.size() - open_at_ - arguments_length_size;
  }
  /// The task, with the owner's number, that calls this.
  task_run commit(std::uint32_t lane, std::uint64_t id, task_head const& head) noexcept {
    std::uint64_t const size = open_size();
    std::memcpy(blocks_[open_block_].bytes.data() + open_at_, &size, sizeof size);
    std::uint64_t const length = arguments_length_size + size;
    return enter({.id = id, .length = length, .block = open_block_, .offset = open_at_, .head = head, .lane = lane});
  }
  /// Whether or not there was memory for `begin`.
  void abandon() noexcept {
    if (open_block_ == none) return;
    buffer& bytes = blocks_[open_block_].bytes;
    bytes.set_size(std::min<std::size_t>(bytes.size(), open_at_));
  }

  /// Room for the arguments of some tasks.
  struct room {
    std::byte* at;
    std::size_t count;
  };
  /// Where the arguments of tasks are to be written, each behind its length and of `length` bytes with that: at most so
  /// many, and one at least. `commit_many` comes next.
  room begin_many(std::size_t length, std::size_t most) {
    buffer& bytes = open();
    std::size_t const fit = (block_size - std::min(block_size, bytes.size())) / length;
    std::size_t const count = std::min(most, std::max<std::size_t>(fit, 1));
    return {bytes.extend(count * length), count};
  }
  /// As many as have been written, one at least; the first has the owner's number `id`.
  task_run commit_many(std::uint32_t lane, std::uint64_t id, std::size_t length, std::size_t count, task_head const& head) noexcept {
    blocks_[open_block_].bytes.set_size(open_at_ + count * length);
    auto const n = static_cast<std::uint32_t>(count);
    return enter(
        {.id = id, .length = length, .count = n, .block = open_block_, .offset = open_at_, .head = head, .lane = lane});
  }

  /// Where arguments lie that became part of the store as a whole.
  struct position {
    std::uint32_t block = 0;
    std::size_t offset = 0;
  };
  /// Arguments that were written elsewhere, each behind its length; they become tasks by `add`. Few bytes are copied, more
  /// are taken over, and other memory is left there instead. They stay where they are until `all_added`, and until the
  /// tasks are over.
  position adopt(buffer& arguments);
  void all_added(position const& p) noexcept { release(p.block, 1); }
  std::byte const* at(position const& p) const noexcept { return blocks_[p.block].bytes.data() + p.offset; }
  /// At most so many of those that lie there, as far as they are as long as the first, and call this; the first has the
  /// owner's number `id`.
  task_run add(position const& p, std::uint32_t most, task_head const& head, std::uint32_t lane, std::uint64_t id) noexcept {
    std::byte const* next = at(p);
    std::uint64_t const size = size_at(next), length = arguments_length_size + size;
    std::uint32_t count = 1;
    while (count < most && size_at(next += length) == size) ++count;
    auto const offset = static_cast<std::uint32_t>(p.offset);
    return enter(
        {.id = id, .length = length, .count = count, .block = p.block, .offset = offset, .head = head, .lane = lane});
  }
  /// What `arguments_length_size` bytes there say.
  static std::uint64_t size_at(std::byte const* length) noexcept {
    std::uint64_t size = 0;
    std::memcpy(&size, length, sizeof size);
    return size;
  }

  /// These, of so many bytes, are kept until the task, of which nobody else has a copy, is over.
  void attach(task_run& task, std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes);
  /// What was attached to it.
  std::span<std::shared_ptr<slab> const> attached(task_run const& task) const {
    if (!task.has_slabs) return {};
    return slabs_.at(key_of(task)).slabs;
  }
  /// Whether it can be run: a worker that began it may have taken its memory, and died with it.
  bool intact(task_run const& task) const;

  /// Of the arguments of tasks that are not over, and of what is kept for them.
  std::size_t bytes() const noexcept { return bytes_; }

  /// Where they are now.
  std::span<std::byte const> bytes_at(std::uint32_t in, std::size_t offset, std::size_t length) const noexcept {
    return {blocks_[in].bytes.data() + offset, length};
  }
  /// The arguments of the first task.
  std::span<std::byte const> arguments(task_run const& task) const noexcept {
    return bytes_at(task.block, task.offset, task.length).subspan(arguments_length_size);
  }

  /// The tasks are over.
  void erase(task_run const& run) noexcept {
    if (run.has_slabs) [[unlikely]] drop_slabs(run);
    bytes_ -= run.bytes();
    release(run.block, run.count);
  }

 private:
  struct block {
    buffer bytes;
    std::size_t tasks = 0;  // and adopted arguments that may still become some
  };
  static constexpr std::size_t block_size = 64 * 1024;
  static constexpr std::size_t open_until = 48 * 1024;      // a block that is fuller takes no more
  static constexpr std::size_t copied_at_most = 4 * 1024;   // of what is adopted
  static constexpr std::size_t kept_of_block = 8 << 20;     // what had to be larger is given back
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct kept_slabs {
    std::vector<std::shared_ptr<slab>> slabs;
    std::size_t bytes;
  };

  task_run enter(task_run run) noexcept {
    run.weight = static_cast<std::uint32_t>(std::min<std::uint64_t>(run.length, ~std::uint32_t{0}));  // so much goes alone
    blocks_[run.block].tasks += run.count;
    bytes_ += run.bytes();
    return run;
  }
  /// The block where the next arguments go; `open_at_` says where in it.
  buffer& open() {
    bool const in_use = open_block_ != none && blocks_[open_block_].tasks > 0;
    if (!in_use || blocks_[open_block_].bytes.size() > open_until) open_a_block();
    buffer& bytes = blocks_[open_block_].bytes;
    open_at_ = static_cast<std::uint32_t>(bytes.size());
    return bytes;
  }
  static std::uint64_t key_of(task_run const& task) noexcept { return std::uint64_t{task.block} << 32 | task.offset; }
  void open_a_block();
  void drop_slabs(task_run const& task) noexcept;
  std::uint32_t vacant_block();
  void release(std::uint32_t b, std::size_t tasks) noexcept {
    if ((blocks_[b].tasks -= tasks) == 0 && b != open_block_) recycle(b);
  }
  void recycle(std::uint32_t b) noexcept;

  std::vector<block> blocks_;
  std::vector<std::uint32_t> vacant_;
  std::unordered_map<std::uint64_t, kept_slabs> slabs_;  // by where the arguments lie
  std::uint32_t open_block_ = none;                      // where the next task goes
  std::uint32_t open_at_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace procx::inline v1::detail
