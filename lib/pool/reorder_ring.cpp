#include "pool/reorder_ring.hpp"

#include <cstring>
#include <utility>

namespace procx::inline v1::detail {

void reorder_ring::finish(queue_slot& s, std::span<std::byte const> bytes) {
  result_block& block = block_for(bytes.size());
  if (!bytes.empty()) std::memcpy(block.bytes.get() + block.used, bytes.data(), bytes.size());
  s.is = queue_slot::state::small;
  s.where = block.used;
  s.length = bytes.size();
  s.block = &block;
  block.used += static_cast<std::uint32_t>(bytes.size());
  ++block.stored;
}

void reorder_ring::finish(queue_slot& s, std::unique_ptr<held_result> held) {
  s.is = queue_slot::state::held;
  s.length = held->bytes.size() + held->block_bytes;
  s.held = held.release();
}

result_block& reorder_ring::block_for(std::size_t size) {
  if (open_ && open_->used + size <= result_block::size) return *open_;
  if (vacant_.empty()) {
    blocks_.push_back(std::make_unique<result_block>());
    vacant_.push_back(blocks_.back().get());
  }
  result_block* const next = vacant_.back();
  if (!next->bytes) next->bytes.reset(new std::byte[result_block::size]);
  vacant_.pop_back();
  if (open_) full_.push_back(open_);
  open_ = next;
  return *next;
}

std::vector<queue_slot>& reorder_ring::take_finished() {
  finished_.clear();
  for (; front_finished(); ++first_) {
    finished_.push_back(slots_.front());
    slots_.pop_front();
  }
  return finished_;
}

void reorder_ring::close_full(std::vector<result_block*>& free) {
  for (result_block* const b : full_) {
    b->stored_in_all = b->stored;
    if (b->taken == b->stored) free.push_back(b);
  }
  full_.clear();
}

void reorder_ring::reuse(std::vector<result_block*>& free) {
  for (result_block* const b : free) {
    std::unique_ptr<std::byte[]> memory = std::move(b->bytes);
    *b = {};
    if (vacant_.size() < kept) b->bytes = std::move(memory);
    vacant_.push_back(b);
  }
  free.clear();
}

}  // namespace procx::inline v1::detail
