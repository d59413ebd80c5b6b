#pragma once

#include <procx/detail/system/operation.hpp>
#include <procx/detail/pool/ending_handler.hpp>
#include <procx/detail/pool/handler_home.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/pool/pool_options.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// A process pool without its types: tasks go in through an `intake`, and each outcome to the operation that waits for it.
///
/// It runs on a thread of its own, or on a strand of the user's executor.
class pool_core {
 public:
  using task_id = std::uint64_t;

  pool_core(pool_options const& options, std::optional<boost::asio::any_io_executor> executor);
  pool_core(pool_core const&) = delete;
  pool_core& operator=(pool_core const&) = delete;
  /// On a thread of its own, waits for tasks that were posted, unless the pool is stopped. Then kills the workers; tasks
  /// that are not over are cancelled.
  ~pool_core();

  /// The operation is completed exactly once, on the loop thread. Null: the task is posted, and a failure is a line of the
  /// log or on standard error, and thrown by `drain`. Without room this call waits if it `may_wait`, else the task does. The id
  /// is never 0.
  /// Throws queue_stopped; protocol_error if the task is larger than a frame may be. Then the operation is still the caller's.
  task_id submit(intake_item const& task, std::unique_ptr<operation>&& op, bool may_wait);
  /// Returns true if no task is tried again.
  bool runs_once() const noexcept;
  /// A callable that workers started from now on inherit; its place.
  std::uint32_t add(std::shared_ptr<void> callable);

  /// As Asio means it: total drops the task if it has not begun, partial asks it to stop, terminal kills its process.
  void cancel(task_id id, boost::asio::cancellation_type how);
  /// May be called, and does nothing, after the pool has gone.
  static void cancel(std::weak_ptr<void> const& pool, task_id id, boost::asio::cancellation_type how);
  std::weak_ptr<void> weak() const noexcept;

  /// Waits until all tasks are over; false if time runs out. Throws sequence_error on the user's executor, and the first
  /// failure of a posted task, once.
  bool drain(std::optional<std::chrono::nanoseconds> timeout);
  /// Calls `then` on the loop thread once all tasks are over that have been submitted.
  void when_drained(ending_handler then);
  /// No more tasks; those that have not begun are cancelled, and the workers of the others killed. Returns at once.
  void stop() noexcept;
  bool stopped() const noexcept;
  /// Tasks that are not over.
  std::size_t size() const noexcept;
  /// Processes at this moment.
  std::size_t workers() const noexcept;
  /// Of handlers that are bound to no executor.
  handler_home& home() const noexcept;

 private:
  class state;
  std::shared_ptr<state> state_;
};

}  // namespace procx::inline v1::detail
