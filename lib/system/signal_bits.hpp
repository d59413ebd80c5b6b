#pragma once

#include <cstdint>

namespace procx::inline v1::detail {

/// Signals, one bit each: signal s is bit s − 1.
using signal_bits = std::uint64_t;

constexpr signal_bits bit_of(int signal) noexcept { return signal_bits{1} << (signal - 1); }

}  // namespace procx::inline v1::detail
