#pragma once

#include "system/generation.hpp"
#include "system/io.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace procx::inline v1::detail {

/// Where the completion handlers of an object run: on the user's executor, or, for those who only ever block, on a
/// private io_context that runs while they wait.
class event_loop {
 public:
  event_loop();
  explicit event_loop(boost::asio::any_io_executor executor);
  event_loop(event_loop&&) noexcept;
  ~event_loop();

  boost::asio::any_io_executor const& executor() const noexcept { return executor_; }
  /// Whether this is a copy in a forked child.
  bool foreign() const noexcept { return generation_ != generation(); }
  bool is_private() const noexcept { return context_ != nullptr; }
  /// Runs handlers until the condition, which may start something and is asked after each, holds, the deadline has passed or nothing is left to wait for; whether it holds.
  /// Throws sequence_error on the user's executor: there the caller must not block.
  bool run_until(std::function<bool()> const& condition, deadline until = std::nullopt);
  /// Runs what is ready; does nothing on the user's executor, which does so itself.
  void poll();

 private:
  struct context;
  std::unique_ptr<context> context_;
  unsigned generation_;
  boost::asio::any_io_executor executor_;
};

}  // namespace procx::inline v1::detail
