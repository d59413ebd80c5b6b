#pragma once

#include <procx/detail/stash/priming_store.hpp>
#include <procx/pool/pmap_options.hpp>

namespace procx::inline v1::detail {

/// How the workers of a stash are to be.
inline pmap_options options_for_workers(stash_options const& options) {
  pmap_options all;
  all.workers = options.workers;
  all.ordered = false;
  all.task_timeout = options.task_timeout;
  all.memory_limit = options.memory_limit;
  all.capture_output = options.capture_output;
  all.log = options.log;
  return all;
}

}  // namespace procx::inline v1::detail
