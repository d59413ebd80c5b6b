#pragma once

#include "dispatch/worker.hpp"
#include "system/event_loop.hpp"

#include <procx/detail/dispatch/callable_table.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace procx::inline v1::detail {

/// What a worker is like that is this process itself.
struct here_options {
  std::size_t frame_limit = 0;               ///< the largest result, in bytes
  bool takes_messages = false;               ///< somebody is there for what tasks send beside their results
  std::function<void()> setup = nullptr;     ///< before the first task
  std::function<void()> teardown = nullptr;  ///< after the last
};

/// One worker, which is this process: tasks run on the loop, one after the other, between its other handlers. For stages that
/// must run here, and to debug what runs in workers without processes. A task that crashes ends the program, nothing limits its
/// time or memory, and what it prints goes where the program's output goes.
class here_workers final : public worker_source {
 public:
  here_workers(worker_events& events, event_loop& loop, here_options options, std::shared_ptr<callable_table> callables);

  void order(task_head const* first) override;
  void shut(std::function<void()> then) override { then(); }
  void shut_now() noexcept override {}

 private:
  worker_events& events_;
  event_loop& loop_;
  here_options const options_;
  std::shared_ptr<callable_table> const callables_;
};

}  // namespace procx::inline v1::detail
