#pragma once

#include "dispatch/books.hpp"

#include <procx/dispatch/slab.hpp>
#include <procx/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// The tasks that are not over, each with its frame, ready to be sent, and sent again should its worker die.
///
/// Frames lie one behind the other in blocks of memory, in the order the tasks were made: tasks that are handed out
/// together leave in one write from where they are. A block is used again when all its tasks are over.
class task_store {
 public:
  using task_id = books::task_id;

  struct task {
    std::uint64_t id = 0;        ///< the owner's number
    std::uint64_t length = 0;
    std::uint32_t callable = 0;  ///< the place in the pool's table, or that it travels
    std::uint32_t block = 0;
    std::uint32_t offset = 0;  ///< small: a block that is full takes no more
    bool used = false;
    bool has_slabs = false;
  };

  /// Where the next task is to be written, behind its header; `commit` or `abandon` comes next. Moves frames that lie
  /// in the same block, if the new one is large.
  buffer& begin(std::uint64_t id, std::uint32_t callable);
  std::size_t open_length() const noexcept {
    return blocks_[open_block_].bytes.size() - tasks_[free_.back()].offset;
  }
  task_id commit() noexcept;
  /// These, of so many bytes, are kept until the task is over.
  void keep(task_id t, std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes);
  void abandon() noexcept;

  /// Where frames lie that became part of the store as a whole.
  struct position {
    std::uint32_t block = 0;
    std::size_t offset = 0;
  };
  /// Frames that were written elsewhere, one behind the other; each becomes a task by `add`. Few bytes are copied, more
  /// are taken over, and other memory is left there instead. They stay where they are until `all_added`, and until the
  /// tasks are over.
  position adopt(buffer& frames);
  void all_added(position const& p) noexcept { release(p.block); }
  std::byte const* frames_at(position const& p) const noexcept { return blocks_[p.block].bytes.data() + p.offset; }
  /// The frame of this length in this place.
  task_id add(position const& p, std::size_t length, std::uint64_t id) {
    task_id const t = vacant_task();
    free_.pop_back();
    std::uint32_t callable = 0;
    std::memcpy(&callable, frames_at(p) + frame_header::size, sizeof callable);
    tasks_[t] = {id, length, callable, p.block, static_cast<std::uint32_t>(p.offset), true, false};
    ++blocks_[p.block].tasks;
    bytes_ += length;
    return t;
  }
  /// Of the frames of tasks that are not over, and of what is kept for them.
  std::size_t bytes() const noexcept { return bytes_; }

  task& operator[](task_id t) noexcept { return tasks_[t]; }
  task const& operator[](task_id t) const noexcept { return tasks_[t]; }
  /// Frames that lie one behind the other.
  struct run {
    std::uint32_t block = 0;
    std::uint32_t tasks = 0;
    std::size_t offset = 0;
    std::size_t length = 0;
  };
  /// Where they are now.
  std::span<std::byte> bytes_of(run const& r) noexcept {
    return {blocks_[r.block].bytes.data() + r.offset, r.length};
  }
  /// Gives the frame this number. It becomes part of the run, if it lies right behind it; else it is one of its own.
  bool number(task_id t, std::uint64_t id, run* before, run& alone) noexcept {
    task const& numbered = tasks_[t];
    frame_header::write_id(blocks_[numbered.block].bytes.data() + numbered.offset, id);
    if (before && before->block == numbered.block && before->offset + before->length == numbered.offset) {
      before->length += numbered.length;
      ++before->tasks;
      return true;
    }
    alone = {numbered.block, 1, numbered.offset, numbered.length};
    return false;
  }
  /// Whether there is a task with the owner's number `id` in this place.
  bool holds(task_id t, std::uint64_t id) const noexcept { return t < tasks_.size() && tasks_[t].used && tasks_[t].id == id; }
  /// The task with the owner's number `id`. Cost: linear in the tasks.
  std::optional<task_id> find(std::uint64_t id) const noexcept;
  /// What its worker is sent, without the header.
  std::span<std::byte const> payload(task_id t) const noexcept {
    task const& of = tasks_[t];
    return {blocks_[of.block].bytes.data() + of.offset + frame_header::size, of.length - frame_header::size};
  }
  /// What `keep` has kept for it.
  std::span<std::shared_ptr<slab> const> kept(task_id t) const {
    if (!tasks_[t].has_slabs) return {};
    return slabs_.at(t).slabs;
  }
  /// Whether it can be run: a worker that began it may have taken its memory, and died with it.
  bool intact(task_id t) const;
  /// The task is over; its place is used again.
  void erase(task_id t) noexcept {
    task& over = tasks_[t];
    over.used = false;
    if (over.has_slabs) [[unlikely]] let_go(t);
    free_.push_back(t);
    bytes_ -= over.length;
    release(over.block);
  }

 private:
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

  void open_a_block();
  void let_go(task_id t) noexcept;
  task_id vacant_task() {
    if (free_.empty()) [[unlikely]] make_vacant_task();
    return free_.back();
  }
  void make_vacant_task();
  std::uint32_t vacant_block();
  void release(std::uint32_t b) noexcept {
    if (--blocks_[b].tasks == 0 && b != open_block_) recycle(b);
  }
  void recycle(std::uint32_t b) noexcept;

  std::vector<task> tasks_;
  std::vector<task_id> free_;  // the last is the open one's
  std::vector<block> blocks_;
  std::vector<std::uint32_t> vacant_;
  std::unordered_map<task_id, kept_slabs> slabs_;
  std::uint32_t open_block_ = none;  // where the next task goes
  std::size_t bytes_ = 0;
};

}  // namespace procx::inline v1::detail
