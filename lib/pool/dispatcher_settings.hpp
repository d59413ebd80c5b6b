#pragma once

#include "dispatch/dispatcher.hpp"

#include <procx/detail/dispatch/saved_task.hpp>

#include <filesystem>

namespace procx::inline v1::detail {

/// The options of a pool, a pmap or a queue, as the dispatcher wants them.
template <class Options>
dispatcher::settings settings_of(Options const& o) {
  dispatcher::settings s;
  s.take(o);
  s.workers = o.workers.resolve();
  s.frame_limit = o.frame_limit;
  s.capture = o.capture_output ? captured::everything : captured::nothing;
  if (o.capture_output) s.log = o.log;
  if (!o.save_failures.empty()) {
    s.save_failures = std::filesystem::absolute(o.save_failures);
    saved_task::prepare(s.save_failures);
  }
  s.policy.window = o.window;
  if constexpr (requires { o.setup; }) {
    s.setup = o.setup;
    s.teardown = o.teardown;
  }
  if constexpr (requires { o.idle_timeout; }) s.idle_timeout = o.idle_timeout;
  return s;
}

}  // namespace procx::inline v1::detail
