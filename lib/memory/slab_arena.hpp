#pragma once

#include <procx/detail/memory/slab.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// How an arena is divided: pieces of 64 KiB, of 128 KiB, and so on up to 1 GiB; of each size so many as make 4 GiB, but
/// no more than 256.
namespace slab_layout {

inline constexpr std::size_t smallest = std::size_t{64} << 10;
inline constexpr std::size_t sizes = 15;

constexpr std::size_t count_of(std::size_t size_class) noexcept {
  std::size_t const fit = (std::size_t{4} << 30) / (smallest << size_class);
  return fit > 256 ? 256 : fit;
}
constexpr std::size_t first_of(std::size_t size_class) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < size_class; ++i) n += count_of(i);
  return n;
}
constexpr std::size_t offset_of(std::size_t size_class) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < size_class; ++i) n += count_of(i) * (smallest << i);
  return n;
}
inline constexpr std::size_t pieces = first_of(sizes);
inline constexpr std::size_t bytes = offset_of(sizes);

}  // namespace slab_layout

/// The slabs of one process and its workers: a region of memory that workers inherit at the same address, divided into
/// pieces.
///
/// Only pieces that were used once have memory behind them and may be touched, and they keep it, warm, to be used again:
/// page faults are what large messages cost. A piece belongs to whoever has put his number on it, so no lock is held across
/// processes and what a killed worker owned is found by its number. Nothing has a name, so nothing can be left behind.
///
/// Every worker can write to the table of pieces, by mistake too. So it says which piece is to be had, and what is worth giving back;
/// how large a piece is, what lies in it, and whether this process holds it, each process knows by itself.
class slab_arena {
 public:
  /// That of this process; made at the first call. Null where shared memory is not to be had.
  static slab_arena* own();
  /// In a worker: that of the process that it works for; else null.
  static slab_arena* parents() noexcept;
  /// In a worker: from now on its results go there, under this number.
  static void work_for_parent(std::uint32_t owner) noexcept;
  static std::uint32_t worker_number() noexcept;
  /// A number for a new worker; the process itself is number 1.
  static std::uint32_t new_owner() noexcept;
  static constexpr std::uint32_t parent = 1;
  /// A number for what belongs to one task alone, and to its worker if that one asks for it.
  static std::uint32_t new_gift() noexcept { return new_owner() | gift; }

  /// How many dispatchers use it: after the last one all free memory goes back to the system.
  void enter() noexcept { users_.fetch_add(1); }
  void leave() noexcept;

  /// An unused piece, with memory for so many bytes; none if there is no such piece or no memory.
  slab allocate(std::size_t size, std::uint32_t owner) noexcept;
  /// The worker's piece becomes this process's. Empty if it is not the worker's.
  slab take_over(std::uint32_t number, std::uint32_t from) noexcept;
  /// In a worker: the task's piece becomes the worker's. Empty if it is not a gift.
  slab accept(std::uint32_t number, std::uint32_t worker) noexcept;
  std::uint32_t owner_of(std::uint32_t number) const noexcept { return table_->pieces[number].owner.load(); }
  void release(std::uint32_t number, std::uint32_t owner) noexcept;
  /// This process holds the piece no more, which somebody else will have. Whether it did, under this number.
  bool give_up_hold(std::uint32_t number, std::uint32_t owner) noexcept {
    return held_as_[number].compare_exchange_strong(owner, 0, std::memory_order_relaxed);
  }
  /// Whatever this worker owned is free.
  void reclaim(std::uint32_t owner) noexcept;

  std::byte* at(std::uint32_t number) const noexcept;
  std::size_t size_of(std::uint32_t number) const noexcept;
  /// The bytes of a piece that this process holds, as many as it asked for, or found there as a result.
  std::span<std::byte const> written(std::uint32_t number) const noexcept;
  std::size_t count() const noexcept { return count_; }
  /// So many bytes of a piece are a value: lets this process touch them, and that without a fault for each page. To be
  /// called before what another process has put there is read; false if the system has no room to note it.
  bool warm(std::uint32_t number, std::size_t size) noexcept;
  /// Pieces that somebody owns, and bytes with memory behind them.
  std::size_t in_use() const noexcept;
  std::size_t backed() const noexcept;

  slab_arena(slab_arena const&) = delete;
  slab_arena& operator=(slab_arena const&) = delete;

 private:
  static constexpr std::uint32_t gift = std::uint32_t{1} << 31;

  struct piece {
    std::atomic<std::uint32_t> owner;
    std::atomic<std::uint64_t> backed;  // bytes from its beginning on; never a length for anything
  };
  struct piece_table {
    std::atomic<std::uint64_t> backed;
    std::array<piece, slab_layout::pieces> pieces;
  };

  slab_arena(piece_table* table, std::byte* memory, std::size_t sizes, std::size_t budget) noexcept
      : table_(table), memory_(memory), sizes_(sizes), count_(slab_layout::first_of(sizes)), budget_(budget) {}
  static slab_arena* make(std::size_t sizes) noexcept;
  static std::size_t class_of(std::uint32_t number) noexcept;

  bool give_access(std::uint32_t number, std::size_t size) noexcept;
  slab hold(std::uint32_t number, std::uint32_t owner) noexcept;
  bool is_held(std::uint32_t number) const noexcept { return held_as_[number].load(std::memory_order_relaxed) != 0; }
  std::uint64_t noted(std::uint32_t number) const noexcept;
  bool back(std::uint32_t number, std::size_t size) noexcept;
  void unback(std::uint32_t number) noexcept;

  piece_table* table_;
  std::byte* memory_;
  std::size_t sizes_;  // of pieces, from the smallest on; fewer where address space is limited
  std::size_t count_;
  std::size_t budget_;
  std::atomic<std::size_t> users_ = 0;
  // Of each piece, known to this process alone.
  std::array<std::atomic<std::uint64_t>, slab_layout::pieces> warm_{};     // bytes that it may touch, and has mapped
  std::array<std::atomic<std::uint64_t>, slab_layout::pieces> content_{};  // bytes that are a value, while it is held
  std::array<std::atomic<std::uint32_t>, slab_layout::pieces> held_as_{};  // the owner's number; 0: not held here
};

}  // namespace procx::inline v1::detail
