#include "memory/slab_sources.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace procx::inline v1::detail {

std::span<std::byte const> lent_slabs::find(std::uint64_t number, std::size_t size) {
  auto* const arena = slab_arena::parents();
  if (!arena || number >= arena->count() || size > arena->size_of(static_cast<std::uint32_t>(number)))
    throw protocol_error("a task refers to memory that there is not");
  if (!arena->warm(static_cast<std::uint32_t>(number), size)) throw std::bad_alloc();
  return {arena->at(static_cast<std::uint32_t>(number)), size};
}

std::shared_ptr<void> lent_slabs::keep(std::uint64_t number) {
  slab s = slab_arena::parents()->accept(static_cast<std::uint32_t>(number), slab_arena::worker_number());
  return s ? std::make_shared<slab>(std::move(s)) : nullptr;
}

std::span<std::byte const> received_slabs::take(std::span<std::byte const> bytes, std::uint32_t worker) {
  std::uint32_t count = 0;
  auto const last = [&](std::uint32_t& n) {
    if (bytes.size() < sizeof n) throw protocol_error("a result's list of memory is cut off");
    std::memcpy(&n, bytes.data() + bytes.size() - sizeof n, sizeof n);
    bytes = bytes.first(bytes.size() - sizeof n);
  };
  last(count);
  while (count-- > 0) {
    std::uint32_t number = 0;
    last(number);
    slab s = arena_.take_over(number, worker);
    if (!s) throw protocol_error("a result refers to memory that is not its worker's");
    slabs_.push_back(std::make_shared<slab>(std::move(s)));
  }
  return bytes;
}

std::size_t received_slabs::bytes() const noexcept {
  std::size_t sum = 0;
  for (auto const& s : slabs_) sum += arena_.size_of(s->number());
  return sum;
}

std::shared_ptr<slab> const& received_slabs::held(std::uint64_t number) const {
  auto const at = std::ranges::find_if(slabs_, [&](auto const& s) { return s->number() == number; });
  if (at == slabs_.end()) throw protocol_error("a result refers to memory that did not come with it");
  return *at;
}

std::span<std::byte const> received_slabs::find(std::uint64_t number, std::size_t size) {
  slab const& s = *held(number);
  if (size > arena_.size_of(s.number())) throw protocol_error("a result claims more memory than came with it");
  if (!arena_.warm(s.number(), size)) throw std::bad_alloc();
  return {s.data(), size};
}

std::shared_ptr<void> received_slabs::keep(std::uint64_t number) { return held(number); }

void append_slab_list(buffer& out, std::vector<std::shared_ptr<slab>> const& slabs) {
  for (auto const& s : slabs) {
    std::uint32_t const number = s->number();
    out.append(&number, sizeof number);
  }
  auto const count = static_cast<std::uint32_t>(slabs.size());
  out.append(&count, sizeof count);
}

}  // namespace procx::inline v1::detail
