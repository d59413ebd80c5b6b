#include "pool/completions.hpp"

#include <algorithm>
#include <bit>

namespace procx::inline v1::detail {

void completions::reserve(std::uint64_t first, std::uint64_t end) {
  if (in_ring_ == 0) {
    begin_ = end_ = first;
    if (slots_.size() > most_kept) slots_ = std::vector<slot>();
  }
  if (end - begin_ <= slots_.size()) return;
  if (in_ring_ * sparse <= slots_.size()) move_out_old(begin_ + slots_.size() / 2);
  if (in_ring_ == 0) begin_ = end_ = first;
  if (end - begin_ > slots_.size()) grow(static_cast<std::size_t>(end - begin_));
}

/// Numbers between the last one and `first` are no task's.
void completions::add(std::uint64_t first, std::span<waiting> operations) noexcept {
  if (in_ring_ == 0) begin_ = first;
  end_ = first;
  for (waiting& op : operations) {
    slot& s = at(end_++);
    s.op = std::move(op);
    s.is_there = true;
  }
  in_ring_ += operations.size();
}

std::optional<std::pair<std::uint64_t, completions::waiting>> completions::take_any() noexcept {
  if (in_ring_ > 0) {
    std::uint64_t const number = begin_;
    return std::pair(number, take(number));
  }
  if (old_.empty()) return std::nullopt;
  std::uint64_t const number = old_.begin()->first;
  return std::pair(number, take_old(number));
}

bool completions::is_posted(std::uint64_t number) const noexcept {
  if (number - begin_ < end_ - begin_) return !at(number).op;
  auto const old = old_.find(number);
  return old != old_.end() && !old->second;
}

/// What is paid for it here was saved by those that came and went: it happens once for half a ring of them.
void completions::move_out_old(std::uint64_t before) {
  while (in_ring_ > 0 && begin_ < before) {
    slot& s = at(begin_);
    old_.emplace(begin_, nullptr).first->second = std::move(s.op);
    s.is_there = false;
    --in_ring_;
    skip_empty();
  }
}

void completions::grow(std::size_t slots) {
  std::vector<slot> larger(std::bit_ceil(std::max(slots, least)));
  for (std::uint64_t n = begin_; n != end_; ++n) larger[static_cast<std::size_t>(n) & (larger.size() - 1)] = std::move(at(n));
  slots_ = std::move(larger);
}

completions::waiting completions::take_old(std::uint64_t number) noexcept {
  auto const old = old_.find(number);
  waiting op = std::move(old->second);
  old_.erase(old);
  return op;
}

}  // namespace procx::inline v1::detail
