#pragma once

namespace procx::inline v1 {

/// What carries the frames between two processes.
enum class transport {
  pipe,    ///< a pair of pipes: the fastest for most
  socket,  ///< a UNIX socket: one descriptor for both directions
};

}  // namespace procx::inline v1
