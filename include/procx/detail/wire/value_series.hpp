#pragma once

#include <procx/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// Values of one length, whose ids count up, one behind the other in memory. In a frame of the kind `values` they have one
/// header between them: the lower bits of its id are the id of the first, the others say how many follow that one.
struct value_series {
  std::uint64_t id;     ///< of the first
  std::size_t length;   ///< of each
  std::size_t count;
  std::byte const* at;  ///< the first

  static constexpr unsigned id_bits = 48;
  static constexpr std::size_t most = std::size_t{1} << (64 - id_bits);  ///< in one frame

  std::span<std::byte const> bytes() const noexcept { return {at, count * length}; }
  std::span<std::byte const> payload(std::size_t i) const noexcept { return {at + i * length, length}; }
  value_series front(std::size_t n) const noexcept { return {id, length, n, at}; }
  void drop_front(std::size_t n) noexcept {
    at += n * length;
    id += n;
    count -= n;
  }

  frame_header header() const noexcept {
    return {frame_kind::values, 0, count * length, id | std::uint64_t{count - 1} << id_bits};
  }
  static std::uint64_t first_id(std::uint64_t id_of_frame) noexcept { return id_of_frame & ~(~std::uint64_t{0} << id_bits); }
  /// What a frame of that kind holds, or one of the kind `value`. Throws protocol_error.
  static value_series of(frame const& f);
};

}  // namespace procx::inline v1::detail
