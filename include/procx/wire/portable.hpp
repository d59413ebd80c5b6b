#pragma once

#include <procx/version.hpp>

#include <procx/wire/codec.hpp>

#include <cstddef>
#include <span>
#include <vector>

// Values in the form that means the same tomorrow, in another program and on another machine: docs/wire-format.md.
namespace procx::inline v1 {

/// Returns the bytes of a value in the portable form: little endian, of fixed widths, without holes and addresses. Equal values
/// have equal bytes, unless a hashed container gives its elements in another order. The bytes do not say of what type they
/// are: keep `type_fingerprint<T>()` beside them.
/// Errors: what the type's own `serialize` throws; protocol_error if the value nests too deep for the stack. A type that has
/// no portable form is refused by the compiler. Thread safety: none is needed. Cost: one pass over the value.
template <class T>
std::vector<std::byte> encode_portable(T const& value) {
  detail::buffer bytes;
  if constexpr (detail::is_encodable<T, wire_form::portable>) {
    portable_output_archive archive(bytes);
    detail::save_to_make(archive, value);
  } else {
    (void)sizeof(detail::complaint_about<T, wire_form::portable>);
  }
  return {bytes.data(), bytes.data() + bytes.size()};
}

/// Returns the value that the bytes are, all of them.
/// Errors: protocol_error if they are not a `T`; what the type's own `serialize` throws. Memory is reserved only for what has
/// come, never for what a count claims.
template <class T>
T decode_portable(std::span<std::byte const> bytes) {
  return decode<T>(portable_input_archive(bytes));
}

}  // namespace procx::inline v1
