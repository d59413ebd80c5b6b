#pragma once

#include "system/descriptor.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

inline constexpr std::size_t most_descriptors_passed = 8;

/// Sends one packet with descriptors over a SOCK_SEQPACKET socket; false and errno if it cannot.
bool send_packet(int socket, std::span<std::byte const> bytes, std::span<int const> descriptors) noexcept;

/// Receives one packet; the number of bytes, 0 at the end, −1 and errno on failure. The descriptors are marked as
/// procx's own. A packet whose descriptors did not all fit in this process is a failure (EMFILE).
std::ptrdiff_t receive_packet(int socket, std::span<std::byte> into, std::vector<descriptor>& descriptors);

}  // namespace procx::inline v1::detail
