#include "memory/slab_arena.hpp"

#include "system/memory_use.hpp"
#include "system/generation.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <new>
#include <string>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace procx::inline v1::detail {
namespace {

slab_arena* made = nullptr;
std::atomic<unsigned> made_by = ~0u;  // the generation of the process whose it is
slab_arena* works_for = nullptr;  // of the process that this one was made by
unsigned works_as = ~0u;
std::uint32_t worker_owner = 0;
std::atomic<std::uint32_t> owners = slab_arena::parent;

/// What this process may use of the machine's memory, in bytes; a quarter of it is for slabs.
std::size_t memory_limit() {
  std::size_t limit = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (char const* const file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::size_t n = 0;
    if (std::ifstream(file) >> n) limit = std::min(limit, n);
  }
  return limit;
}

std::size_t limit_of(__rlimit_resource what) noexcept {
  rlimit l{};
  return ::getrlimit(what, &l) != 0 || l.rlim_cur == RLIM_INFINITY ? ~std::size_t{0} : l.rlim_cur;
}

/// How much address space an arena may take. Where that is limited, an eighth of what is left: the program has other uses
/// for it.
std::size_t address_space() {
  std::size_t space = limit_of(RLIMIT_AS);
  if (space != ~std::size_t{0}) {
    auto const used = memory_use_of(::getpid());
    space = used && used->address_space < space ? (space - used->address_space) / 8 : 0;
  }
  return std::min(space, limit_of(RLIMIT_FSIZE));
}

/// How many of the sizes of pieces fit, from the smallest on.
std::size_t sizes_within(std::size_t space) noexcept {
  std::size_t n = 0;
  while (n < slab_layout::sizes && slab_layout::offset_of(n + 1) <= space) ++n;
  return n;
}

std::size_t page_up(std::size_t size) noexcept { return (size + 4095) & ~std::size_t{4095}; }

}  // namespace

slab_arena* slab_arena::own() {
  if (made_by.load(std::memory_order_acquire) == generation()) return made;
  std::size_t const sizes = sizes_within(address_space());  // which takes the same lock
  auto const held = hold_forks();
  if (made_by.load(std::memory_order_relaxed) != generation()) {
    made = make(sizes);
    made_by.store(generation(), std::memory_order_release);
  }
  return made;
}

slab_arena* slab_arena::parents() noexcept { return works_as == generation() ? works_for : nullptr; }
std::uint32_t slab_arena::worker_number() noexcept { return worker_owner; }
std::uint32_t slab_arena::new_owner() noexcept {
  for (;;)
    if (auto const n = (owners.fetch_add(1, std::memory_order_relaxed) + 1) & ~gift; n > parent) return n;
}

void slab_arena::work_for_parent(std::uint32_t owner) noexcept {
  works_for = made;  // by the process that has forked us
  if (made)
    for (auto& held : made->held_as_) held.store(0, std::memory_order_relaxed);  // by that process
  works_as = generation();
  worker_owner = owner;
}

slab_arena* slab_arena::make(std::size_t sizes) noexcept try {
  std::size_t const size = slab_layout::offset_of(sizes);
  if (size == 0) return nullptr;
  int const fd = ::memfd_create("procx", MFD_CLOEXEC);
  if (fd < 0) return nullptr;
  void* memory = MAP_FAILED;
  if (::ftruncate(fd, static_cast<off_t>(size)) == 0)
    memory = ::mmap(nullptr, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) return nullptr;
  // A program that locks what it maps (mlockall) would else have each piece in memory as soon as it may be touched.
  ::munlock(memory, size);
  ::madvise(memory, size, MADV_DONTDUMP);
  void* const shared = ::mmap(nullptr, sizeof(piece_table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    ::munmap(memory, size);
    return nullptr;
  }
  return new slab_arena(static_cast<piece_table*>(shared), static_cast<std::byte*>(memory), sizes, memory_limit() / 4);
} catch (std::bad_alloc const&) {
  return nullptr;
}

std::size_t slab_arena::class_of(std::uint32_t number) noexcept {
  std::size_t c = 0;
  while (number >= slab_layout::first_of(c + 1)) ++c;
  return c;
}

std::byte* slab_arena::at(std::uint32_t number) const noexcept {
  std::size_t const c = class_of(number);
  return memory_ + slab_layout::offset_of(c) + (number - slab_layout::first_of(c)) * (slab_layout::smallest << c);
}

std::size_t slab_arena::size_of(std::uint32_t number) const noexcept { return slab_layout::smallest << class_of(number); }

std::span<std::byte const> slab_arena::written(std::uint32_t number) const noexcept {
  return {at(number), static_cast<std::size_t>(content_[number].load(std::memory_order_relaxed))};
}

slab slab_arena::hold(std::uint32_t number, std::uint32_t owner) noexcept {
  held_as_[number].store(owner, std::memory_order_relaxed);
  return slab(*this, number, owner);
}

slab slab_arena::allocate(std::size_t size, std::uint32_t owner) noexcept {
  std::size_t const pieces_needed = (std::max<std::size_t>(size, 1) + slab_layout::smallest - 1) / slab_layout::smallest;
  auto const fitting = static_cast<std::size_t>(std::bit_width(pieces_needed - 1));
  for (std::size_t c = fitting; c < std::min(sizes_, fitting + 2); ++c)
    for (std::size_t n = slab_layout::first_of(c); n < slab_layout::first_of(c + 1); ++n) {
      auto& piece_owner = table_->pieces[n].owner;
      std::uint32_t nobody = 0;
      if (piece_owner.load(std::memory_order_relaxed) != 0 || is_held(static_cast<std::uint32_t>(n)) ||
          !piece_owner.compare_exchange_strong(nobody, owner, std::memory_order_acquire))
        continue;
      auto const number = static_cast<std::uint32_t>(n);
      if (back(number, size)) {
        content_[number].store(size, std::memory_order_relaxed);
        return hold(number, owner);
      }
      piece_owner.store(0, std::memory_order_release);
      return {};
    }
  return {};
}

/// Nothing of the arena may be touched until it is used: whoever walks over all memory (valgrind, a leak check) would else
/// have 32 GiB to walk over. Each process has its own access: what its parent had at the fork, and what it meets itself.
bool slab_arena::give_access(std::uint32_t number, std::size_t size) noexcept {
  return ::mprotect(at(number), size, PROT_READ | PROT_WRITE) == 0;
}

/// Memory for the first bytes of a piece, asked for in a way that fails where a write would be answered by SIGBUS.
bool slab_arena::back(std::uint32_t number, std::size_t size) noexcept {
  auto& p = table_->pieces[number];
  std::uint64_t const wanted = page_up(size);
  std::uint64_t const before = noted(number);
  std::uint64_t const more = wanted > before ? wanted - before : 0;
  if (more && table_->backed.load(std::memory_order_relaxed) + more > budget_) return false;
  if (warm_[number].load(std::memory_order_relaxed) < wanted || more) {
    if (!give_access(number, wanted) || ::madvise(at(number), wanted, MADV_POPULATE_WRITE) != 0) return false;
    warm_[number].store(std::max(wanted, warm_[number].load(std::memory_order_relaxed)), std::memory_order_relaxed);
  }
  if (more) {
    p.backed.store(wanted, std::memory_order_relaxed);
    table_->backed.fetch_add(more, std::memory_order_relaxed);
  }
  return true;
}

/// The whole piece, whatever the table says of it: any worker can write there, and beyond the piece lies what is others'.
void slab_arena::unback(std::uint32_t number) noexcept {
  std::uint64_t const had = noted(number);
  table_->pieces[number].backed.store(0, std::memory_order_relaxed);
  if (had == 0 && warm_[number].load(std::memory_order_relaxed) == 0) return;
  give_access(number, size_of(number));  // kernels before 6.7 take memory away only where it could be written
  ::madvise(at(number), size_of(number), MADV_REMOVE);
  ::mprotect(at(number), size_of(number), PROT_NONE);
  warm_[number].store(0, std::memory_order_relaxed);
  table_->backed.fetch_sub(had, std::memory_order_relaxed);
}

bool slab_arena::warm(std::uint32_t number, std::size_t size) noexcept {
  std::uint64_t const wanted = page_up(size);
  if (warm_[number].load(std::memory_order_relaxed) < wanted) {
    if (!give_access(number, wanted)) return false;
    ::madvise(at(number), wanted, MADV_POPULATE_READ);  // else there is a fault for each page
    warm_[number].store(wanted, std::memory_order_relaxed);
  }
  if (content_[number].load(std::memory_order_relaxed) < size) content_[number].store(size, std::memory_order_relaxed);
  return true;
}

slab slab_arena::take_over(std::uint32_t number, std::uint32_t from) noexcept {
  // What this process holds for itself no worker can give it, whatever the table says; what it has given away, one can.
  if (number >= count_ || held_as_[number].load(std::memory_order_relaxed) == parent) return {};
  std::uint32_t expected = from;
  if (!table_->pieces[number].owner.compare_exchange_strong(expected, parent, std::memory_order_acq_rel)) return {};
  content_[number].store(0, std::memory_order_relaxed);
  return hold(number, parent);
}

slab slab_arena::accept(std::uint32_t number, std::uint32_t worker) noexcept {
  if (number >= count_) return {};
  std::uint32_t expected = owner_of(number);
  if (!(expected & gift)) return {};
  if (!table_->pieces[number].owner.compare_exchange_strong(expected, worker, std::memory_order_acq_rel)) return {};
  return hold(number, worker);
}

void slab_arena::release(std::uint32_t number, std::uint32_t owner) noexcept {
  std::uint32_t expected = owner;
  auto& owner_word = table_->pieces[number].owner;
  bool const ours = give_up_hold(number, owner) && owner_word.load(std::memory_order_relaxed) == owner;
  if (ours && users_.load() == 0) unback(number);  // nobody will need it soon
  owner_word.compare_exchange_strong(expected, 0, std::memory_order_release);
}

void slab_arena::reclaim(std::uint32_t owner) noexcept {
  for (std::uint32_t n = 0; n < count_; ++n)
    if (table_->pieces[n].owner.load(std::memory_order_relaxed) == owner) release(n, owner);
}

void slab_arena::leave() noexcept {
  if (users_.fetch_sub(1) > 1) return;
  for (std::uint32_t n = 0; n < count_; ++n) {
    std::uint32_t nobody = 0;
    bool const has_memory = table_->pieces[n].backed.load(std::memory_order_relaxed) != 0 ||
                            warm_[n].load(std::memory_order_relaxed) != 0;
    auto& owner = table_->pieces[n].owner;
    if (!has_memory || is_held(n) || !owner.compare_exchange_strong(nobody, parent, std::memory_order_acquire)) continue;
    unback(n);
    owner.store(0, std::memory_order_release);
  }
  std::uint64_t left = 0;  // counted anew: somebody may have written over what was counted
  for (std::uint32_t n = 0; n < count_; ++n) left += noted(n);
  table_->backed.store(left, std::memory_order_relaxed);
}

/// Bytes with memory behind them, as far as the table can be right.
std::uint64_t slab_arena::noted(std::uint32_t number) const noexcept {
  return std::min<std::uint64_t>(table_->pieces[number].backed.load(std::memory_order_relaxed), size_of(number));
}

std::size_t slab_arena::in_use() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(table_->pieces, [](piece const& p) { return p.owner != 0; }));
}
std::size_t slab_arena::backed() const noexcept { return table_->backed.load(); }

}  // namespace procx::inline v1::detail
