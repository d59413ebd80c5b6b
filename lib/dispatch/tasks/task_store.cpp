#include "dispatch/tasks/task_store.hpp"

#include <utility>

namespace procx::inline v1::detail {

/// One with room for more, in `open_block_`.
void task_store::open_a_block() {
  if (open_block_ == none || blocks_[open_block_].bytes.size() > open_until) {
    std::uint32_t const full = std::exchange(open_block_, none);
    if (full != none && blocks_[full].tasks == 0) recycle(full);
    open_block_ = vacant_block();
    blocks_[open_block_].bytes.reserve(block_size);
  }
  if (blocks_[open_block_].tasks == 0) blocks_[open_block_].bytes.clear();
}

task_store::position task_store::adopt(buffer& arguments) {
  position p;
  if (arguments.size() <= copied_at_most) {
    open_a_block();
    p = {open_block_, blocks_[open_block_].bytes.size()};
    blocks_[p.block].bytes.append(arguments.data(), arguments.size());
    arguments.clear();
  } else {
    p.block = vacant_block();
    blocks_[p.block].bytes.swap(arguments);
  }
  ++blocks_[p.block].tasks;
  return p;
}

void task_store::attach(task_run& task, std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes) {
  slabs_.insert_or_assign(key_of(task), kept_slabs{std::move(slabs), bytes});
  task.has_slabs = true;
  bytes_ += bytes;
}

void task_store::drop_slabs(task_run const& task) noexcept {
  auto const at = slabs_.find(key_of(task));
  bytes_ -= at->second.bytes;
  slabs_.erase(at);
}

bool task_store::intact(task_run const& task) const {
  return std::ranges::all_of(attached(task), [](auto const& s) { return s->is_ours(); });
}

std::uint32_t task_store::vacant_block() {
  if (vacant_.empty()) {
    blocks_.emplace_back();
    vacant_.reserve(blocks_.capacity());  // `erase` must not throw
    vacant_.push_back(static_cast<std::uint32_t>(blocks_.size() - 1));
  }
  std::uint32_t const b = vacant_.back();
  vacant_.pop_back();
  return b;
}

void task_store::recycle(std::uint32_t b) noexcept {
  buffer& bytes = blocks_[b].bytes;
  bytes.clear();
  if (bytes.capacity() > kept_of_block) bytes.release();
  vacant_.push_back(b);
}

}  // namespace procx::inline v1::detail
