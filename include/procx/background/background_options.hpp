#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/frame.hpp>

#include <cstddef>

namespace procx::inline v1 {

/// How a background process keeps its results.
struct background_options {
  /// So many bytes of results that no client has taken stay in memory; what is more goes to a file beside the socket, which
  /// has no name there.
  std::size_t memory = std::size_t{64} << 20;
  /// The largest encoded value that is sent or taken, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
};

}  // namespace procx::inline v1
