#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace procx::inline v1 {

/// A line that a worker has printed; or one of procx's own, which says that the arguments of a task that failed could not be
/// saved.
struct log_line {
  pid_t pid = 0;  ///< the worker's, or this process's for a line of procx's own
  unsigned worker = 0;  ///< which of the pool's workers, from 0: a new process takes a dead one's number
  /// The task that printed it: the place of its input (`pmap`), or how many were submitted before it; none for setup and
  /// teardown.
  std::optional<std::uint64_t> task = {};
  std::string_view text = {};  ///< without its end; valid during the call
};

/// Who is given what the workers print, line by line, in the order each of them printed it, and before the result of the
/// task that printed it. Called where results are taken in: by the thread that waits for a `pmap`, by a pool's own thread.
/// It must not throw, nor use what it is the log of.
using log_sink = std::function<void(log_line const&)>;

}  // namespace procx::inline v1
