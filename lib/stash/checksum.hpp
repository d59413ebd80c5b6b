#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// XXH64 of Y. Collet's xxHash, as its specification has it: the same on every machine.
std::uint64_t checksum_of(std::span<std::byte const> bytes, std::uint64_t seed = 0) noexcept;

}  // namespace procx::inline v1::detail
