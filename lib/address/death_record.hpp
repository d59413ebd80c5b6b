#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/error/certificate.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// Flag of an `exception` frame: the payload is a death record instead of an exception_record.
inline constexpr std::uint8_t tells_death = 4;

/// Serializes a certificate in the portable form, without the task's number, which means nothing elsewhere.
void encode_death(buffer& out, death_certificate const& c);
/// Throws protocol_error if the bytes are not a death record.
death_certificate decode_death(std::span<std::byte const> bytes);

}  // namespace procx::inline v1::detail
