#pragma once

#include "local/task_frame.hpp"
#include "dispatch/tasks/task_run.hpp"
#include "dispatch/tasks/task_store.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// Tasks that go to a worker in one frame: those that call the same, and whose arguments lie one behind the other.
class task_piece {
 public:
  /// What is before the tasks.
  using head_bytes = std::array<std::byte, task_frame::extra>;

  task_piece() noexcept = default;
  /// `id`: of the first, as the worker knows it.
  task_piece(task_run const& run, std::uint64_t id) noexcept
      : head_(run.head), id_(id), offset_(run.offset), length_(run.bytes()), block_(run.block), tasks_(run.count) {}

  std::uint32_t tasks() const noexcept { return tasks_; }
  /// Of the frame.
  std::size_t size() const noexcept { return task_frame::extra + length_; }
  head_bytes head() const noexcept {
    head_bytes bytes;
    task_frame::write(bytes.data(), id_, head_, length_);
    return bytes;
  }
  std::span<std::byte const> arguments(task_store const& in) const noexcept { return in.bytes_at(block_, offset_, length_); }

  /// Takes in what follows it; false if that does not, or the frame were longer than `most` for which a worker should
  /// wait.
  bool append(task_piece const& next, std::size_t most) noexcept {
    bool const is_behind = next.block_ == block_ && next.offset_ == offset_ + length_;
    if (!is_behind || next.id_ != id_ + tasks_ || next.head_ != head_ || length_ + next.length_ > most) return false;
    length_ += next.length_;
    tasks_ += next.tasks_;
    return true;
  }

 private:
  task_head head_;
  std::uint64_t id_ = 0;
  std::size_t offset_ = 0;
  std::size_t length_ = 0;
  std::uint32_t block_ = 0;
  std::uint32_t tasks_ = 0;
};

}  // namespace procx::inline v1::detail
