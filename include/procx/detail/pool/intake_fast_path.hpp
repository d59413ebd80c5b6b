#pragma once

#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/system/biased_mutex.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// The open batch of an intake, where producers write: as much of it as the inline way in needs. What cannot go that way goes
/// through `queue_core::put`.
struct intake_fast_path {
  static constexpr std::uint64_t no_place = ~std::uint64_t{0};

  biased_mutex mutex;            // guards what follows
  std::byte* at = nullptr;       // where the next item goes
  std::byte* end = nullptr;      // and up to where, if it is called as the one before it
  task_head head;                // how that was called
  std::size_t frame_limit = 0;
  std::uint64_t items_until = 0;  // so far there is room, as was last seen
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_until = 0;
  std::atomic<std::uint64_t> admitted = 0;  // read by anybody
  std::atomic<bool> wanted = true;          // the loop thread waits for items; it writes this during a visit

  bool had_room(std::size_t bytes) const noexcept {
    return admitted.load(std::memory_order_relaxed) < items_until && bytes_in + bytes <= bytes_until;
  }
  std::uint64_t admit(std::size_t bytes) noexcept {
    std::uint64_t const index = admitted.load(std::memory_order_relaxed);
    admitted.store(index + 1, std::memory_order_relaxed);
    bytes_in += bytes;
    return index;
  }

  /// Puts the item that `write` writes at the place it is given, its length before it, if this thread has the intake for
  /// itself and nothing is out of the ordinary. The item's index; `no_place` if it is to go the other way.
  template <class Write>
  std::uint64_t try_put(std::uint32_t callable, image_offset entry, image_offset function, std::size_t bytes,
                        Write write) noexcept {
    if (!mutex.try_enter()) return no_place;
    std::uint64_t index = no_place;
    std::size_t const length = arguments_length_size + bytes;
    bool const alike = head.callable == callable && head.entry == entry && head.function == function;
    if (static_cast<std::size_t>(end - at) >= length && alike && had_room(bytes) && bytes <= frame_limit &&
        !wanted.load(std::memory_order_relaxed)) [[likely]] {
      write(at);
      at += length;
      index = admit(bytes);
    }
    mutex.leave();
    return index;
  }
};

}  // namespace procx::inline v1::detail
