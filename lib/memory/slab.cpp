#include <procx/detail/memory/slab.hpp>

#include "memory/slab_arena.hpp"
#include "system/generation.hpp"

#include <algorithm>

namespace procx::inline v1::detail {

slab::slab(slab_arena& arena, std::uint32_t number, std::uint32_t owner) noexcept
    : arena_(&arena), number_(number), owner_(owner), generation_(detail::generation()) {}

slab::~slab() {
  if (arena_ && generation_ == detail::generation()) arena_->release(number_, owner_);
}

void slab::disown() noexcept {
  if (arena_) arena_->give_up_hold(number_, owner_);
  arena_ = nullptr;
}

slab slab::allocate(std::size_t size) noexcept {
  if (auto* const arena = slab_arena::parents()) return arena->allocate(size, slab_arena::worker_number());
  auto* const arena = slab_arena::own();
  return arena ? arena->allocate(size, slab_arena::parent) : slab();
}

bool slab::is_ours() const noexcept { return arena_ && arena_->owner_of(number_) == owner_; }

std::byte* slab::data() const noexcept { return arena_->at(number_); }

slab_arena* slab_sink::arena() const { return to_own_workers_ ? slab_arena::own() : arena_; }

std::optional<block_sink::place> slab_sink::make_room(std::size_t size) {
  auto* const arena = this->arena();
  if (!arena) return std::nullopt;
  std::uint32_t const owner = to_own_workers_ ? slab_arena::parent : owner_;
  slab s = arena->allocate(size, gives_ ? slab_arena::new_gift() : owner);
  if (!s) return std::nullopt;
  place const there{s.number(), s.data()};
  slabs_.push_back(std::make_shared<slab>(std::move(s)));
  bytes_ += size;
  return there;
}

std::optional<std::uint64_t> slab_sink::give_away(std::shared_ptr<void> const& holder) {
  auto const s = std::static_pointer_cast<slab>(holder);
  if (!*s || s->arena() != arena()) return std::nullopt;
  if (std::ranges::find(slabs_, s) == slabs_.end()) slabs_.push_back(s);
  return s->number();
}

}  // namespace procx::inline v1::detail
