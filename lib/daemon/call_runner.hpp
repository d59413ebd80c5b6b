#pragma once

#include "daemon/call_frames.hpp"
#include "dispatch/dispatcher.hpp"
#include "dispatch/task_sink.hpp"
#include "system/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace procx::inline v1::detail {

/// The calls of one client, as what runs them sees it. On the daemon's loop. What becomes of a call its sink is told, as of a task,
/// once; of calls that are under way when this object goes, nobody is.
class call_lane {
 public:
  virtual ~call_lane() = default;
  /// `arguments`: as `add_call` has them. Throws error if there is nothing to be called so; then there is no call.
  virtual void begin(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) = 0;
  virtual void cancel(std::uint64_t id, dispatcher::cancellation how) = 0;
  /// Calls that were begun and are not over.
  virtual std::size_t unfinished() const noexcept = 0;
};

/// What runs the calls of a daemon: workers, or a pipeline. On the daemon's loop.
class call_runner {
 public:
  virtual ~call_runner() = default;
  /// Makes what workers are forked from: before anything else.
  virtual void prepare() = 0;
  virtual std::unique_ptr<call_lane> open_lane(task_sink& calls) = 0;
  /// After calls were begun or cancelled.
  virtual void pump() = 0;
  /// How many calls may be run at once.
  virtual std::size_t workers() const noexcept = 0;
  /// The end: no call is under way, or nobody wants to know any more.
  virtual void stop() noexcept = 0;
};

using make_call_runner = std::function<std::unique_ptr<call_runner>(event_loop&)>;

}  // namespace procx::inline v1::detail
