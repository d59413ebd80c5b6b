#pragma once

#include "dispatch/ring_queue.hpp"

#include <procx/pool/queue_core.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace procx::inline v1::detail {

/// Memory that small results lie in one behind the other, in the order in which they came. It is used again when all of
/// them have been taken.
struct result_block {
  static constexpr std::size_t size = 64 * 1024;
  static constexpr std::uint32_t open = ~std::uint32_t{0};

  std::unique_ptr<std::byte[]> bytes;
  std::uint32_t used = 0;
  std::uint32_t stored = 0;
  // Under the lock of the exit:
  std::uint32_t taken = 0;
  std::uint32_t stored_in_all = open;
};

/// The place of one item: where its task is, or its result.
struct queue_slot {
  enum class state : std::uint8_t {
    waiting,  ///< not handed to the dispatcher
    running,  ///< the dispatcher has it, at `where`
    small,    ///< `length` bytes in the block, from `where` on
    held,
  };
  state is = state::waiting;
  std::uint32_t where = 0;
  std::size_t length = 0;  ///< in bytes; until it is finished, that of the arguments
  union {
    result_block* block = nullptr;
    held_result* held;
  };

  bool finished() const noexcept { return is == state::small || is == state::held; }
};

/// The items between the two ends of a parallel queue, in their order, for the pool's thread alone: results come in
/// any order, and leave at the front. It owns the blocks for as long as there are results in them.
class reorder_ring {
 public:
  reorder_ring() = default;
  reorder_ring(reorder_ring const&) = delete;
  reorder_ring& operator=(reorder_ring const&) = delete;
  ~reorder_ring() {
    for (std::size_t i = 0; i < slots_.size(); ++i) dispose(slots_[i]);
  }
  /// Frees what a slot holds on to beside its block.
  static void dispose(queue_slot const& s) noexcept {
    if (s.is == queue_slot::state::held) delete s.held;
  }

  void add(std::size_t argument_bytes) {
    queue_slot s;
    s.length = argument_bytes;
    slots_.push_back(s);
  }
  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t end() const noexcept { return first_ + slots_.size(); }
  bool empty() const noexcept { return slots_.empty(); }
  /// The item with this index, which must be there.
  queue_slot& operator[](std::uint64_t index) noexcept { return slots_[static_cast<std::size_t>(index - first_)]; }

  void finish(queue_slot& s, std::span<std::byte const> bytes);
  void finish(queue_slot& s, std::unique_ptr<held_result> held);

  bool front_finished() const noexcept { return !slots_.empty() && slots_.front().finished(); }
  /// Takes the finished items out at the front. Valid, and the caller's to take away, until the next call.
  std::vector<queue_slot>& take_finished();

  // Under the lock of the exit:

  /// Blocks that take no more results are said to: those whose results are taken already are free.
  void close_full(std::vector<result_block*>& free);
  /// Takes back those whose results have been taken.
  void reuse(std::vector<result_block*>& free);

 private:
  static constexpr std::size_t kept = 16;  // blocks that wait to be used again, with their memory

  result_block& block_for(std::size_t size);

  ring_queue<queue_slot> slots_;
  std::vector<queue_slot> finished_;
  std::uint64_t first_ = 0;
  std::vector<std::unique_ptr<result_block>> blocks_;
  std::vector<result_block*> vacant_;
  std::vector<result_block*> full_;
  result_block* open_ = nullptr;
};

}  // namespace procx::inline v1::detail
