#include "dispatch/task_store.hpp"

#include <algorithm>
#include <utility>

namespace procx::inline v1::detail {

buffer& task_store::begin(std::uint64_t id, std::uint32_t callable) {
  open_a_block();
  buffer& bytes = blocks_[open_block_].bytes;
  task& t = tasks_[vacant_task()];
  t.id = id;
  t.callable = callable;
  t.block = open_block_;
  t.offset = static_cast<std::uint32_t>(bytes.size());
  std::byte* const at = bytes.extend(frame_header::size + sizeof callable);
  std::memcpy(at + frame_header::size, &callable, sizeof callable);
  return bytes;
}

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

void task_store::make_vacant_task() {
  tasks_.emplace_back();
  free_.reserve(tasks_.capacity());  // `erase` must not throw
  free_.push_back(static_cast<task_id>(tasks_.size() - 1));
}

task_store::position task_store::adopt(buffer& frames) {
  position p;
  if (frames.size() <= copied_at_most) {
    open_a_block();
    p = {open_block_, blocks_[open_block_].bytes.size()};
    blocks_[p.block].bytes.append(frames.data(), frames.size());
    frames.clear();
  } else {
    p.block = vacant_block();
    blocks_[p.block].bytes.swap(frames);
  }
  ++blocks_[p.block].tasks;
  return p;
}

task_store::task_id task_store::commit() noexcept {
  task_id const place = free_.back();
  free_.pop_back();
  task& t = tasks_[place];
  block& b = blocks_[open_block_];
  t.used = true;
  t.has_slabs = false;
  t.length = b.bytes.size() - t.offset;
  frame_header{frame_kind::task, 0, t.length - frame_header::size, 0}.write(b.bytes.data() + t.offset);
  ++b.tasks;
  bytes_ += t.length;
  return place;
}

void task_store::abandon() noexcept { blocks_[open_block_].bytes.set_size(tasks_[free_.back()].offset); }

void task_store::keep(task_id t, std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes) {
  tasks_[t].has_slabs = true;
  slabs_.insert_or_assign(t, kept_slabs{std::move(slabs), bytes});
  bytes_ += bytes;
}

void task_store::let_go(task_id t) noexcept {
  auto const at = slabs_.find(t);
  bytes_ -= at->second.bytes;
  slabs_.erase(at);
}

std::optional<task_store::task_id> task_store::find(std::uint64_t id) const noexcept {
  for (task_id t = 0; t < tasks_.size(); ++t)
    if (holds(t, id)) return t;
  return std::nullopt;
}

bool task_store::intact(task_id t) const {
  if (!tasks_[t].has_slabs) return true;
  auto const& slabs = slabs_.at(t).slabs;
  return std::all_of(slabs.begin(), slabs.end(), [](auto const& s) { return s->is_ours(); });
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
