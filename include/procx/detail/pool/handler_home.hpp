#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/system_executor.hpp>

#include <memory>
#include <type_traits>

namespace procx::inline v1::detail {

/// A handler with its arguments, which runs once.
class ready_call {
 public:
  virtual ~ready_call() = default;
  virtual void run() = 0;
};

/// Where handlers run that are bound to no executor: on the executor of a pool or a queue.
class handler_home {
 public:
  /// In a forked child any executor: there is no thread of the pool's that would run them.
  virtual boost::asio::any_io_executor executor_for_handlers() const = 0;
  /// Returns true if handlers run on a thread of the pool's own, not on the user's executor.
  virtual bool has_thread() const noexcept = 0;
  /// Returns true if there is such a thread, and the caller is on it.
  virtual bool is_here() const noexcept = 0;
  /// Runs it on that thread, on which the caller is, after the handler that is running. Many are run in one go: to post each would
  /// cost more than all else that there is to do for a small task.
  virtual void run_soon(std::unique_ptr<ready_call> call) = 0;

 protected:
  ~handler_home() = default;
};

/// Whether a handler is bound to an executor: it has not the default one, whatever that is.
template <class Handler>
inline constexpr bool is_bound =
    !(std::is_same_v<boost::asio::associated_executor_t<Handler, boost::asio::system_executor>,
                     boost::asio::system_executor> &&
      std::is_same_v<boost::asio::associated_executor_t<Handler, boost::asio::io_context::executor_type>,
                     boost::asio::io_context::executor_type>);

}  // namespace procx::inline v1::detail
