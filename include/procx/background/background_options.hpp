#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/frame.hpp>

#include <chrono>
#include <cstddef>

namespace procx::inline v1 {

/// Limits of a background process. A plain value.
struct background_options {
  /// Maximum size of undelivered results in memory, in bytes. Further results go to an unnamed file in the folder of the
  /// socket. 0 means: all results go to the file.
  std::size_t memory = std::size_t{64} << 20;
  /// Largest encoded result, in bytes. Sending a larger one throws protocol_error in the callable. 0 means: no result fits.
  std::size_t frame_limit = detail::default_frame_limit;
  /// Time for which the process stays when all results are taken. A client that connects then gets an empty range. 0 means: it
  /// removes its socket and ends at once.
  std::chrono::nanoseconds linger{0};
  /// Time for which results are kept after the callable has ended. Untaken ones are lost then, and the process ends. 0 means no
  /// limit.
  std::chrono::nanoseconds expires{0};
};

}  // namespace procx::inline v1
