#include "pool/result_order.hpp"

#include <algorithm>

namespace procx::inline v1::detail {

result_order::run* result_order::starting_at(std::uint64_t index) const noexcept {
  if (slots_.empty()) return nullptr;
  run* const r = slots_[static_cast<std::size_t>(index) & (slots_.size() - 1)];
  return r && r->first == index ? r : nullptr;
}

/// Another one than was added to last: the run that this outcome continues, or a new one.
result_order::run& result_order::other_run(std::uint64_t index) {
  make_slots(index + 2);
  if (recent_) note_end(*std::exchange(recent_, nullptr));
  run* before = slot(index);
  if (before && before->end == index && !before->results.is_full()) {
    if (before->first != index) slot(index) = nullptr;
    return *(recent_ = before);
  }
  if (unused_.empty()) {
    runs_.emplace_back();
    unused_.reserve(runs_.size());  // `take_front` gives it back
    unused_.push_back(&runs_.back());
  }
  run& r = *unused_.back();
  unused_.pop_back();
  if (!spare_.empty()) {
    r.results = std::move(spare_.back());
    spare_.pop_back();
  }
  r.first = r.end = index;
  slot(index) = recent_ = &r;
  return r;
}

/// So that it is found when the next outcome of it comes, unless that has come already.
void result_order::note_end(run& r) {
  make_slots(r.end + 1);
  if (!slot(r.end)) slot(r.end) = &r;
}

bool result_order::take_front(result_chunk& to) {
  run* const r = starting_at(first_);
  if (!r) return false;
  std::swap(to, r->results);
  if (spare_.size() < kept) spare_.push_back(std::move(r->results));
  r->results = {};
  slot(r->first) = nullptr;
  if (r->end - r->first < slots_.size() && slot(r->end) == r) slot(r->end) = nullptr;
  if (recent_ == r) recent_ = nullptr;
  first_ = r->end;
  unused_.push_back(r);
  return true;
}

/// For items up to there: none of them shares its slot with another that has not left.
void result_order::make_slots(std::uint64_t end) {
  std::size_t const needed = static_cast<std::size_t>(end - first_);
  if (needed <= slots_.size()) return;
  std::size_t size = std::max<std::size_t>(slots_.size(), 64);
  while (size < needed) size *= 2;
  std::vector<run*> larger(size);
  for (std::uint64_t i = first_; i < first_ + slots_.size(); ++i) larger[static_cast<std::size_t>(i) & (size - 1)] = slot(i);
  slots_ = std::move(larger);
}

}  // namespace procx::inline v1::detail
