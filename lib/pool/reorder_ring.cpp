#include "pool/reorder_ring.hpp"

#include <utility>

namespace procx::inline v1::detail {

reorder_ring::~reorder_ring() {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].is_ == slot::state::held) delete slots_[i].held_;
}

void reorder_ring::finish(slot& s, std::span<std::byte const> bytes) {
  block& b = block_for(bytes.size());
  if (!bytes.empty()) std::memcpy(b.bytes.get() + b.used, bytes.data(), bytes.size());
  s.is_ = slot::state::small;
  s.offset_ = b.used;
  s.length_ = static_cast<std::uint32_t>(bytes.size());
  s.block_ = &b;
  b.used += s.length_;
  ++b.left;
}

void reorder_ring::finish(slot& s, std::unique_ptr<held_result> held) noexcept {
  s.is_ = slot::state::held;
  s.held_ = held.release();
}

void reorder_ring::take_finished(result_chunk& to) {
  for (; front_finished() && !to.is_full(); slots_.pop_front(), ++first_) {
    slot const& s = slots_.front();
    if (s.is_ == slot::state::held) {
      to.add(std::unique_ptr<held_result>(s.held_));
      continue;
    }
    to.add({s.block_->bytes.get() + s.offset_, s.length_});
    if (--s.block_->left == 0) recycle(*s.block_);
  }
}

reorder_ring::block& reorder_ring::block_for(std::size_t size) {
  if (open_ && open_->used + size <= block_size) return *open_;
  if (vacant_.empty()) {
    blocks_.push_back(std::make_unique<block>());
    vacant_.reserve(blocks_.capacity());  // `recycle` must not throw
    vacant_.push_back(blocks_.back().get());
  }
  block* const next = vacant_.back();
  if (!next->bytes) next->bytes.reset(new std::byte[block_size]);
  vacant_.pop_back();
  block* const before = std::exchange(open_, next);
  if (before && before->left == 0) recycle(*before);
  return *next;
}

void reorder_ring::recycle(block& b) noexcept {
  b.used = 0;
  if (&b == open_) return;
  if (vacant_.size() >= kept) b.bytes.reset();
  vacant_.push_back(&b);
}

}  // namespace procx::inline v1::detail
