#pragma once

#include "dispatch/task_run.hpp"

#include <procx/dispatch/slab.hpp>
#include <procx/wire/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// The frames of the tasks that are not over, ready to be sent, and sent again should their worker die. Which tasks there
/// are, and where their frames lie, is in the books.
///
/// Frames lie one behind the other in blocks of memory, in the order the tasks were made: tasks that are handed out
/// together leave in one write from where they are. A block is used again when all its tasks are over.
class task_store {
 public:
  /// Where the next task is to be written, behind its header; `commit` or `abandon` comes next. Moves frames that lie
  /// in the same block, if the new one is large.
  buffer& begin(std::uint32_t callable);
  std::size_t open_length() const noexcept { return blocks_[open_block_].bytes.size() - open_at_; }
  /// The task, with the owner's number.
  task_run commit(std::uint64_t id) noexcept {
    block& b = blocks_[open_block_];
    std::uint64_t const length = b.bytes.size() - open_at_;
    frame_header{frame_kind::task, 0, length - frame_header::size, 0}.write(b.bytes.data() + open_at_);
    return book({.id = id, .length = length, .block = open_block_, .offset = open_at_, .callable = open_callable_});
  }
  void abandon() noexcept { blocks_[open_block_].bytes.set_size(open_at_); }

  /// Where frames lie that became part of the store as a whole.
  struct position {
    std::uint32_t block = 0;
    std::size_t offset = 0;
  };
  /// Frames that were written elsewhere, one behind the other; they become tasks by `add`. Few bytes are copied, more
  /// are taken over, and other memory is left there instead. They stay where they are until `all_added`, and until the
  /// tasks are over.
  position adopt(buffer& frames);
  void all_added(position const& p) noexcept { release(p.block, 1); }
  std::byte const* frames_at(position const& p) const noexcept { return blocks_[p.block].bytes.data() + p.offset; }
  /// So many frames of this length from this place on, which are alike; the first has the owner's number `id`.
  task_run add(position const& p, std::uint64_t length, std::uint32_t count, std::uint64_t id) {
    return book({.id = id,
                 .length = length,
                 .count = count,
                 .block = p.block,
                 .offset = static_cast<std::uint32_t>(p.offset),
                 .callable = callable_of(frames_at(p))});
  }

  /// How many of the frames of tasks that lie from here on are like the first in length and callable; `most` at most.
  static std::uint32_t alike(std::byte const* frame, std::size_t bytes, std::size_t most) noexcept {
    std::uint64_t const first = frame_header::first_word(frame);
    std::uint32_t const callable = callable_of(frame);
    std::size_t const length = frame_header::size + (first & frame_header::max_length);
    most = std::min(most, bytes / length);
    std::uint32_t n = 1;
    for (std::byte const* next = frame + length; n < most; ++n, next += length)
      if (frame_header::first_word(next) != first || callable_of(next) != callable) break;
    return n;
  }

  /// These, of so many bytes, are kept until the task, of which nobody else has a copy, is over.
  void keep(task_run& task, std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes);
  /// What `keep` has kept for it.
  std::span<std::shared_ptr<slab> const> kept(task_run const& task) const {
    if (!task.has_slabs) return {};
    return slabs_.at(task.id).slabs;
  }
  /// Whether it can be run: a worker that began it may have taken its memory, and died with it.
  bool intact(task_run const& task) const;

  /// Of the frames of tasks that are not over, and of what is kept for them.
  std::size_t bytes() const noexcept { return bytes_; }

  /// Frames that lie one behind the other, of whatever length.
  struct piece {
    std::uint32_t block = 0;
    std::uint32_t tasks = 0;
    std::size_t offset = 0;
    std::size_t length = 0;

    explicit piece(task_run const& run = {.count = 0}) noexcept
        : block(run.block), tasks(run.count), offset(run.offset), length(run.bytes()) {}
    /// Takes in what lies behind it; false if that does not.
    bool append(piece const& next) noexcept {
      if (next.block != block || next.offset != offset + length) return false;
      length += next.length;
      tasks += next.tasks;
      return true;
    }
  };
  /// Where they are now.
  std::span<std::byte> bytes_of(piece const& p) noexcept { return {blocks_[p.block].bytes.data() + p.offset, p.length}; }
  /// Gives the frames these numbers, from `id` on.
  void number(task_run const& run, std::uint64_t id) noexcept {
    std::byte* at = blocks_[run.block].bytes.data() + run.offset;
    for (std::uint64_t const end = id + run.count; id < end; ++id, at += run.length) frame_header::write_id(at, id);
  }
  /// What the worker of the first task is sent, without the header.
  std::span<std::byte const> payload(task_run const& task) const noexcept {
    return {blocks_[task.block].bytes.data() + task.offset + frame_header::size, task.length - frame_header::size};
  }

  /// The tasks are over.
  void erase(task_run const& run) noexcept {
    if (run.has_slabs) [[unlikely]] let_go(run);
    bytes_ -= run.bytes();
    release(run.block, run.count);
  }

 private:
  static std::uint32_t callable_of(std::byte const* frame) noexcept {
    std::uint32_t callable = 0;
    std::memcpy(&callable, frame + frame_header::size, sizeof callable);
    return callable;
  }

  struct block {
    buffer bytes;
    std::size_t tasks = 0;  // and adopted frames that may still become some
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

  task_run book(task_run run) noexcept {
    run.weight = static_cast<std::uint32_t>(std::min<std::uint64_t>(run.length, ~std::uint32_t{0}));  // so much goes alone
    blocks_[run.block].tasks += run.count;
    bytes_ += run.bytes();
    return run;
  }
  void open_a_block();
  void let_go(task_run const& task) noexcept;
  std::uint32_t vacant_block();
  void release(std::uint32_t b, std::size_t tasks) noexcept {
    if ((blocks_[b].tasks -= tasks) == 0 && b != open_block_) recycle(b);
  }
  void recycle(std::uint32_t b) noexcept;

  std::vector<block> blocks_;
  std::vector<std::uint32_t> vacant_;
  std::unordered_map<std::uint64_t, kept_slabs> slabs_;  // by the owner's number
  std::uint32_t open_block_ = none;                      // where the next task goes
  std::uint32_t open_at_ = 0;
  std::uint32_t open_callable_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace procx::inline v1::detail
