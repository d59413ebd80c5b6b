#pragma once

#include "dispatch/dispatcher.hpp"
#include "dispatch/here_workers.hpp"
#include "local/local_workers.hpp"

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/saved_task.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

namespace procx::inline v1::detail {

/// The options of a pool, a pmap or a queue, as the dispatcher wants them, and as its workers do.
struct runner_settings {
  dispatcher_options dispatch;
  local_options local;
  bool here = false;  ///< in this process, not in others
  /// Workers of another kind; null: none.
  std::function<std::unique_ptr<worker_source>(worker_events&, event_loop&)> elsewhere = nullptr;

  /// Where goes what the workers print.
  template <class Options>
  void take_output(Options const& o) {
    if (o.capture_output) dispatch.log = local.log = o.log;
    local.capture = o.capture_output ? captured::everything : captured::nothing;
  }

  /// Makes the workers; `loop` outlives them.
  dispatcher::make_source source(event_loop& loop, std::shared_ptr<callable_table> const& callables) const {
    return [&loop, options = local, callables, is_here = here, make = elsewhere](worker_events& events) -> std::unique_ptr<worker_source> {
      if (make) return make(events, loop);
      if (is_here)
        return std::make_unique<here_workers>(
            events, loop, here_options{options.frame_limit, options.takes_messages, options.setup, options.teardown}, callables);
      return std::make_unique<local_workers>(events, loop, options, callables);
    };
  }
};

/// What the options of everything that runs tasks say.
template <class Options>
runner_settings shared_settings(Options const& o, std::size_t workers, std::size_t frame_limit) {
  runner_settings s;
  s.dispatch.workers = s.local.workers = workers;
  s.dispatch.frame_limit = s.local.frame_limit = frame_limit;
  s.dispatch.task_timeout = s.local.task_timeout = o.task_timeout;
  s.dispatch.grace = o.grace;
  s.dispatch.backoff = o.backoff;
  s.dispatch.policy.retries = o.retries;
  s.dispatch.recycle_after_tasks = o.limits.recycle_after_tasks;
  s.local.memory_limit = o.memory_limit;
  s.local.limits = o.limits;
  return s;
}

template <class Options>
runner_settings settings_of(Options const& o) {
  runner_settings s = shared_settings(o, o.workers.resolve(), o.frame_limit);
  s.take_output(o);
  s.here = o.workers.is_here();
  s.dispatch.policy.window = o.window;
  if (!o.save_failures.empty()) {
    s.dispatch.save_failures = std::filesystem::absolute(o.save_failures);
    saved_task::prepare(s.dispatch.save_failures);
  }
  if constexpr (requires { o.setup; }) {
    s.local.setup = o.setup;
    s.local.teardown = o.teardown;
  }
  if constexpr (requires { o.idle_timeout; }) s.dispatch.idle_timeout = o.idle_timeout;
  return s;
}

/// A table with this callable, if there is one, in place 0.
inline std::shared_ptr<callable_table> table_of(task_entry entry, std::shared_ptr<void> callable) {
  auto table = std::make_shared<callable_table>();
  if (callable) table->add(entry, std::move(callable));
  return table;
}

}  // namespace procx::inline v1::detail
