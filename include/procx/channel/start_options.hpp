#pragma once

#include <procx/endpoint/transport.hpp>
#include <procx/detail/wire/frame.hpp>

#include <cstddef>

namespace procx::inline v1 {

/// Where a new process comes from.
enum class start_method {
  automatic,  ///< the early nursery, if `start_nursery` was called and the callable can travel; else a fork
  fork,       ///< a copy of this process
  nursery,    ///< the early nursery: a small process that forks quickly, however large this one has grown
  exec,       ///< a clean image of this program
};

/// How a process and the channel to it are made.
struct start_options {
  start_method method = start_method::automatic;
  transport via = transport::pipe;
  /// The largest encoded value that is sent or taken, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
  /// `send` completes when the other side has received, not when the system has taken the value.
  bool acknowledged = false;
  /// The process's standard error passes through this one, line by line, and its last 4 KiB are kept for
  /// `process_died`. Otherwise it is this process's own.
  bool capture_stderr = true;
};

}  // namespace procx::inline v1
