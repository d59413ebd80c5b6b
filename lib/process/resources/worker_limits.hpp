#pragma once

#include <procx/process/worker_limits.hpp>

#include <cstddef>

namespace procx::inline v1::detail {

/// By a worker: puts the limits on itself, those that are not about how long it is kept. Throws system_error.
void accept(worker_limits const& limits);

/// By a worker, when it is ready for its first task: from now on it may map so many bytes more, and no more than those.
/// Nothing where a sanitizer has mapped far more than there is.
void limit_address_space(std::size_t more);

}  // namespace procx::inline v1::detail
