#pragma once

#include "dispatch/worker.hpp"
#include "system/event_loop.hpp"

#include <procx/daemon/connect_options.hpp>
#include <procx/detail/daemon/client_core.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

namespace procx::inline v1::detail {

/// How tasks are calls of a daemon.
struct daemon_calls {
  std::filesystem::path address;
  connect_options options;
  std::uint64_t name = 0;         ///< of the function that is called
  std::uint64_t fingerprint = 0;  ///< of its signature
  /// Appends what a call of the function is behind its head, of a task's arguments.
  std::function<void(std::span<std::byte const> arguments, buffer& call)> to_call;
  /// Appends the result of the task, or its parts, each behind its length, of the daemon's answer.
  std::function<void(std::span<std::byte const> answer, buffer& value, buffer& parts)> to_result;
};

/// A daemon as the only worker of a dispatcher: tasks are calls, as many at once as the dispatcher's window says. Answers come in any
/// order, results leave in that of the tasks. It does not end by itself: once the connection is broken for good, all tasks fail.
class daemon_workers final : public worker_source {
 public:
  daemon_workers(worker_events& events, event_loop& loop, daemon_calls how);

  /// Connects. Throws connection_error and protocol_error as `client_core` does.
  void prepare() override;
  void order(task_head const* first) override;
  void shut(std::function<void()> then) override;
  void shut_now() noexcept override { client_.reset(); }

 private:
  worker_events& events_;
  event_loop& loop_;
  daemon_calls const how_;
  std::unique_ptr<client_core> client_;
};

}  // namespace procx::inline v1::detail
