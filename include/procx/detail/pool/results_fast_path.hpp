#pragma once

#include <procx/detail/pool/flow_counts.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace procx::inline v1::detail {

/// Where consumers read: as much of the ordered results as the inline way out needs. What cannot go that way goes through
/// `queue_core::get`. Guarded by `flow_counts::taking`.
struct results_fast_path {
  explicit results_fast_path(flow_counts& c) noexcept : counts(c) {}

  flow_counts& counts;
  std::byte const* at = nullptr;  // the next value
  std::size_t left = 0;           // so many, one behind the other
  std::size_t length = 0;         // of each
  std::uint64_t taken = 0;
  std::uint64_t bytes_taken = 0;

  /// The index of the item whose value, of so many bytes, was at the front.
  std::uint64_t drop_front(std::size_t bytes) noexcept {
    --left;
    bytes_taken += bytes;
    return taken++;
  }

  /// The next value, which is copied as it lies in memory, if this thread has the results for itself and nothing is out of the
  /// ordinary. The caller tells threads that wait for it to be taken.
  template <class R>
  std::optional<R> try_take(std::uint64_t& index) noexcept {
    if (!counts.taking.try_enter()) return std::nullopt;
    bool const there = left > 0 && length == sizeof(R);
    if (!there) [[unlikely]] {
      counts.taking.leave();
      return std::nullopt;
    }
    std::array<std::byte, sizeof(R)> bytes;
    std::memcpy(bytes.data(), at, sizeof(R));
    at += sizeof(R);
    index = drop_front(sizeof(R));
    counts.count_taken(taken, bytes_taken);
    counts.taking.leave();
    return std::bit_cast<R>(bytes);
  }
};

}  // namespace procx::inline v1::detail
