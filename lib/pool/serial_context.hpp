#pragma once

#include "system/event_loop.hpp"

#include <procx/detail/pool/handler_home.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <vector>

namespace procx::inline v1::detail {

/// Where the handlers of a pool or a parallel queue run, one at a time: on a thread of its own, or on a strand of the user's
/// executor. The one that runs them is called the loop thread.
class serial_context final : public handler_home {
 public:
  explicit serial_context(std::optional<boost::asio::any_io_executor> const& executor);
  serial_context(serial_context const&) = delete;
  serial_context& operator=(serial_context const&) = delete;

  event_loop& loop() noexcept { return loop_; }
  boost::asio::any_io_executor const& executor() const noexcept { return loop_.executor(); }
  boost::asio::any_io_executor executor_for_handlers() const override;
  bool has_thread() const noexcept override { return is_private(); }
  bool is_here() const noexcept override { return is_this(); }
  void run_soon(std::unique_ptr<ready_call> call) override;
  bool is_private() const noexcept { return loop_.is_private(); }
  /// Returns true if this is a copy in a forked child: there is no such thread there, and nothing may be touched.
  bool foreign() const noexcept { return loop_.foreign(); }
  /// Throws error with errc::foreign_process in a forked child.
  void check_ours() const {
    if (foreign()) [[unlikely]] refuse();
  }

  /// Throws sequence_error on the loop thread itself, which cannot wait for what happens there: in a handler that is bound to
  /// no executor.
  void check_may_wait() const {
    if (is_this()) [[unlikely]] refuse_to_wait();
  }
  bool is_this() const noexcept { return current == this; }

  /// Starts the thread, if there is to be one: after the dispatcher has forked its nursery.
  void start();
  /// Has it done on the loop thread. If there is no memory for so little, waits until there is: the caller could neither report
  /// that nor take back what it has done before.
  template <class F>
  void post(F f) const {
    for (;;) try {
        return boost::asio::post(executor(), f);
      } catch (std::bad_alloc const&) {
        wait_for_memory();
      }
  }
  /// Calls `end` on the loop thread and, if that is one of its own, waits for it and for the handlers that it has posted. On
  /// the user's executor `end` is called here, and nothing else may run there at the same time. A handler on the thread itself
  /// may call this as well, by exit() or by the end of the pool: then it does not wait, and the thread keeps its `owner`, of
  /// which this is a part, until it has ended.
  void shut(std::function<void()> const& end, std::shared_ptr<void> owner) noexcept;
  /// In a forked child.
  void abandon() noexcept;

 private:
  void run() noexcept;
  void run_ready() noexcept;
  static void wait_for_memory() noexcept;
  [[noreturn]] static void refuse();
  [[noreturn]] static void refuse_to_wait();

  static constinit thread_local serial_context const* current;  // whose thread this is, if any's

  event_loop loop_;
  std::optional<boost::asio::executor_work_guard<boost::asio::any_io_executor>> work_;
  std::vector<std::unique_ptr<ready_call>> ready_;  // if there are any, a handler is posted that runs them
  bool finished_ = false;
  std::thread thread_;
  std::shared_ptr<void> owner_;
};

}  // namespace procx::inline v1::detail
