#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/error/certificate.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// Of a frame of the kind `exception`: its payload is not what was thrown but how the process died.
inline constexpr std::uint8_t tells_death = 4;

/// What travels of a certificate of a process that was running no task.
void encode_death(buffer& out, death_certificate const& c);
/// Throws protocol_error if it is none.
death_certificate decode_death(std::span<std::byte const> bytes);

}  // namespace procx::inline v1::detail
