#pragma once

#include <procx/version.hpp>

namespace procx::inline v1 {

/// Inside of a task on a pool's worker: whether it was asked to stop, by a partial cancellation. A task that runs for
/// long may ask now and then, and return or throw; its result, or what it throws, is its outcome. False everywhere else.
///
/// Thread safety: any thread of the worker, while the task runs. Cost: two loads.
bool stop_requested() noexcept;

}  // namespace procx::inline v1
