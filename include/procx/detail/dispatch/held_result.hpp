#pragma once

#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <exception>
#include <memory>

namespace procx::inline v1::detail {

/// An outcome on its own, apart from the memory that a dispatcher uses again: an error, or a value as bytes.
struct held_result {
  std::exception_ptr error;
  buffer bytes;
  std::unique_ptr<block_source> blocks;
  std::size_t block_bytes = 0;

  encoded_value value() const noexcept { return {bytes.bytes(), blocks.get(), block_bytes}; }

  /// A copy of a value that lasts only until the dispatcher's call returns; what lies in shared memory is shared.
  static held_result copy_of(encoded_value const& value);
};

}  // namespace procx::inline v1::detail
