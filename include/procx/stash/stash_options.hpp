#pragma once

#include <procx/version.hpp>

#include <procx/dispatch/log_line.hpp>
#include <procx/process/worker_count.hpp>

#include <chrono>
#include <cstddef>

namespace procx::inline v1 {

/// How a stash computes its values.
struct stash_options {
  worker_count workers = {};
  /// How many keys (or data) are one task. 0: they are divided evenly over the workers; where keys are computed one by one, as
  /// the workers get on with them, and each is stored when it is done.
  std::size_t chunk_size = 0;
  /// Whether computing goes on when a key fails. Otherwise the first failure ends it, and is thrown; what was done by then
  /// has been stored.
  bool protect_work = true;
  /// What one task may take, from when it begins to run; 0: as long as it likes. A key whose time is up has failed.
  std::chrono::nanoseconds task_timeout{0};
  /// What a worker may use, in bytes beyond what it has before its first task; 0: anything.
  std::size_t memory_limit = 0;
  /// Whether what the workers print passes through this process, line by line, to `log`, or to its standard error.
  bool capture_output = true;
  log_sink log = nullptr;
};

}  // namespace procx::inline v1
