#pragma once

#include "local/board.hpp"
#include "process/output_relay.hpp"
#include "process/resources/worker_limits.hpp"
#include "system/descriptor.hpp"

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace procx::inline v1::detail {

/// What the workers of a pool inherit from it.
struct worker_settings {
  std::size_t frame_limit = default_frame_limit;
  std::function<void()> setup = nullptr;     ///< called before the first task
  std::function<void()> teardown = nullptr;  ///< called when there will be no more tasks
  std::size_t memory_limit = 0;              ///< what it may use beyond what it has before its first task; 0: anything
  worker_limits limits = {};
  bool takes_messages = false;               ///< by somebody who has the parent's lanes
  bool prints_by_line = false;               ///< its standard output is read by the line
  std::optional<output_mark> mark = {};      ///< written before the lines of each task
};

/// What each of a worker's two pipes holds, if the system lets it, and what is read or written at once.
inline constexpr std::size_t worker_pipe_size = board_slot::results_size;

/// The id of the frame, an exception, with which a worker says that its setup has thrown.
inline constexpr std::uint64_t setup_failed = ~std::uint64_t{0};
/// The same of its teardown. It stays on the board, where nobody need read it for the worker to end.
inline constexpr std::uint64_t teardown_failed = setup_failed - 1;

/// The life of a worker: a plain loop that blocks on one pipe for tasks and writes results to another, many at a time.
/// Returns when there will be no more tasks. The exit code.
int run_worker(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
               worker_settings const& settings = {});

}  // namespace procx::inline v1::detail
