#pragma once

#include "dispatch/dispatcher.hpp"

#include <filesystem>

namespace procx::inline v1::detail {

/// What the options of everything that runs tasks have in common, as the dispatcher wants it.
template <class Options>
dispatcher::settings settings_of(Options const& o) {
  dispatcher::settings s;
  s.workers = o.workers.resolve();
  s.frame_limit = o.frame_limit;
  s.capture = o.capture_output ? captured::everything : captured::nothing;
  if (o.capture_output) s.log = o.log;
  s.task_timeout = o.task_timeout;
  s.grace = o.grace;
  s.backoff = o.backoff;
  s.memory_limit = o.memory_limit;
  s.limits = o.limits;
  if (!o.save_failures.empty()) s.save_failures = std::filesystem::absolute(o.save_failures);
  s.policy.window = o.window;
  s.policy.retries = o.retries;
  if constexpr (requires { o.setup; }) {
    s.setup = o.setup;
    s.teardown = o.teardown;
  }
  if constexpr (requires { o.idle_timeout; }) s.idle_timeout = o.idle_timeout;
  return s;
}

}  // namespace procx::inline v1::detail
