#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/frame.hpp>

#include <cstddef>

namespace procx::inline v1 {

/// Limits of a background process. A plain value.
struct background_options {
  /// Maximum size of undelivered results in memory, in bytes. Further results go to an unnamed file in the folder of the
  /// socket. 0 means: all results go to the file.
  std::size_t memory = std::size_t{64} << 20;
  /// Largest encoded result, in bytes. Sending a larger one throws protocol_error in the callable. 0 means: no result fits.
  std::size_t frame_limit = detail::default_frame_limit;
};

}  // namespace procx::inline v1
