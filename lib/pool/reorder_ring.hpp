#pragma once

#include "dispatch/ring_queue.hpp"

#include <procx/pool/queue_core.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// Outcomes in their order, one behind the other, on their way to the consumers: what one processor writes and another
/// reads is to take few cache lines.
class result_chunk {
 public:
  static constexpr std::size_t full = std::size_t{256} << 10;

  bool empty() const noexcept { return at_ == bytes_.size(); }
  bool is_full() const noexcept { return bytes_.size() >= full; }
  void add(std::span<std::byte const> result) {
    auto const length = static_cast<std::uint32_t>(result.size());
    std::byte* const at = bytes_.extend(sizeof length + result.size());
    std::memcpy(at, &length, sizeof length);
    if (length) std::memcpy(at + sizeof length, result.data(), length);
  }
  void add(std::unique_ptr<held_result> result) {
    bytes_.append(&held_mark, sizeof held_mark);
    held_.push_back(std::move(result));
  }
  /// The next one, but for its index; how many bytes it has.
  std::size_t take(taken_result& to) noexcept {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.data() + at_, sizeof length);
    at_ += sizeof length;
    if (length == held_mark) {
      to.held = std::move(held_.front());
      held_.pop_front();
      return to.held->bytes.size() + to.held->block_bytes;
    }
    to.held.reset();
    to.length = length;
    std::memcpy(to.bytes.data(), bytes_.data() + at_, length);
    at_ += length;
    return length;
  }
  void clear() noexcept {
    bytes_.clear();
    if (bytes_.capacity() > 4 * full) bytes_.release();
    at_ = 0;
  }

 private:
  static constexpr std::uint32_t held_mark = ~std::uint32_t{0};

  buffer bytes_;
  std::deque<std::unique_ptr<held_result>> held_;
  std::size_t at_ = 0;
};

/// The items that were handed out, in their order: results come in any order, and leave at the front. Small results lie
/// in blocks of memory in the order in which they came; a block is used again when all of them have left. Not
/// thread-safe: it is the pool's thread's.
class reorder_ring {
  struct block;

 public:
  /// The place of one item.
  class slot {
   public:
    bool finished() const noexcept { return is_ != state::running; }

    std::uint32_t place = 0;      ///< for the owner: where the dispatcher has the task
    std::size_t argument_bytes = 0;  ///< for the owner as well

   private:
    friend class reorder_ring;
    enum class state : std::uint8_t { running, small, held };
    state is_ = state::running;
    std::uint32_t offset_ = 0;
    std::uint32_t length_ = 0;
    union {
      block* block_ = nullptr;
      held_result* held_;
    };
  };

  reorder_ring() = default;
  reorder_ring(reorder_ring const&) = delete;
  reorder_ring& operator=(reorder_ring const&) = delete;
  ~reorder_ring();

  /// A new item at the end.
  slot& add() {
    slots_.push_back({});
    return slots_.back();
  }
  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t end() const noexcept { return first_ + slots_.size(); }
  /// The item with this index, which must be there.
  slot& operator[](std::uint64_t index) noexcept { return slots_[static_cast<std::size_t>(index - first_)]; }

  /// At most taken_result::most_bytes.
  void finish(slot& s, std::span<std::byte const> bytes);
  void finish(slot& s, std::unique_ptr<held_result> held) noexcept;

  bool front_finished() const noexcept { return !slots_.empty() && slots_.front().finished(); }
  /// Moves finished items from the front to the chunk, until that is full.
  void take_finished(result_chunk& to);

 private:
  static constexpr std::size_t block_size = 64 * 1024;
  static constexpr std::size_t kept = 16;  // blocks that wait to be used again, with their memory

  struct block {
    std::unique_ptr<std::byte[]> bytes;
    std::uint32_t used = 0;
    std::uint32_t left = 0;  // results in it
  };

  block& block_for(std::size_t size);
  void recycle(block& b) noexcept;

  ring_queue<slot> slots_;
  std::uint64_t first_ = 0;
  std::vector<std::unique_ptr<block>> blocks_;
  std::vector<block*> vacant_;
  block* open_ = nullptr;
};

}  // namespace procx::inline v1::detail
