#pragma once

#include "daemon/call_runner.hpp"
#include "local/runner_settings.hpp"

#include <memory>

namespace procx::inline v1::detail {

/// Runs calls of the functions that are registered in this program, in worker processes. Their bytes are passed on as they are.
class registered_calls final : public call_runner {
 public:
  registered_calls(event_loop& loop, runner_settings const& s);

  void prepare() override { dispatcher_.prepare(); }
  std::unique_ptr<call_lane> open_lane(task_sink& calls) override;
  void pump() override { dispatcher_.pump(); }
  std::size_t workers() const noexcept override { return workers_; }
  void stop() noexcept override { dispatcher_.stop(); }

 private:
  std::size_t const workers_;
  std::shared_ptr<callable_table> const callables_ = std::make_shared<callable_table>();
  dispatcher dispatcher_;
};

}  // namespace procx::inline v1::detail
