#pragma once

#include "dispatch/board.hpp"
#include "system/descriptor.hpp"

#include <procx/dispatch/callable_table.hpp>

namespace procx::inline v1::detail {

/// The life of a worker: a plain loop that blocks on one pipe for tasks and writes results to another, many at a time.
/// Returns when there will be no more tasks. The exit code.
int run_worker(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
               std::size_t frame_limit);

}  // namespace procx::inline v1::detail
