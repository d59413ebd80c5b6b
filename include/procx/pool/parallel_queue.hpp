#pragma once

#include <procx/version.hpp>

#include <procx/pool/basic_parallel_queue.hpp>
#include <procx/pool/call.hpp>
#include <procx/pool/parallel_queue_options.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

namespace procx::inline v1 {

/// A queue whose tasks run in parallel, in other processes, and leave in the order in which they came in.
///
/// Any number of threads put tasks and get their outcomes. One slow task holds up the outcomes behind it but not the work,
/// until `capacity` items (or `capacity_bytes`) are between the two ends; then `put` waits. Each task may be another
/// callable, which must be able to travel (a function, a lambda without captures, `px::by_value`); what it returns
/// becomes an `R` in the worker, so that a `std::variant` may hold what different tasks return.
///
/// Without an executor the queue has a thread of its own, which runs no code of the user's but result types' `serialize`
/// for `async_get` and completion handlers that are not bound to an executor; with one it works on a strand of it.
/// Everything else: see `basic_parallel_queue`.
/// Cost: a millisecond to make; then some tenths of a microsecond an item.
/// \code
/// px::parallel_queue<std::string> queue({.workers = 4});
/// std::jthread producer([&] {
///   for (auto const& path : paths) queue.put(summarize, path);
///   queue.stop();
/// });
/// for (std::string const& summary : queue) std::cout << summary << '\n';
/// \endcode
template <class R>
class parallel_queue : public basic_parallel_queue<R> {
 public:
  explicit parallel_queue(parallel_queue_options const& options = {}) : base(options, std::nullopt) {}
  template <detail::has_executor Executor>
  explicit parallel_queue(Executor&& executor, parallel_queue_options const& options = {})
      : base(options, detail::executor_of(std::forward<Executor>(executor))) {}

  /// Puts the task `fn(args...)`. Waits for room; returns the number of the item, from 0, or `not_put` if the consumer has
  /// left its loop or closed the queue. Throws queue_stopped, also if `stop` comes while it waits; protocol_error if the
  /// arguments do not fit into a frame; what their `serialize` throws. Then the task has no place.
  template <class F, class... Args>
  std::uint64_t put(F fn, Args&&... args) {
    return this->put_item(encoded<F>(fn, args...));
  }
  /// The same if there is room within this time; otherwise false, and the task has no place. 0: does not wait. True as well
  /// if the queue is closed: nobody wants the task, and it would be of no use to try again.
  template <class F, class... Args>
  [[nodiscard("false: there was no room, and the task has no place in the queue; put waits for room")]]
  bool try_put_for(std::chrono::nanoseconds timeout, F fn, Args&&... args) {
    return this->try_put_item(encoded<F>(fn, args...), timeout);
  }
  /// Puts a task made by `px::call`, without waiting. Completion: `void(std::exception_ptr)` when it has its place, or
  /// with what `put` throws; with `queue_stopped` as well if the queue is closed. Cancellation (of any type): if it has no
  /// place yet it never gets one, and completes with `operation_aborted`; otherwise see `cancel`.
  template <class F, class... Args, class Token>
  auto async_put(bound_call<F, Args...> const& call, Token&& token) {
    return std::apply(
        [&](Args const&... args) {
          return this->async_put_item([&] { return encoded<F>(call.fn, args...); }, std::forward<Token>(token));
        },
        call.arguments);
  }

 private:
  using base = basic_parallel_queue<R>;

  template <class F, class... Args>
  static auto encoded(F const& fn, Args const&... args) {
    if constexpr (!detail::travels<F>)
      return (void)sizeof(detail::complaint_about_callable<F>), detail::plain_item<>(detail::task_head());
    else if constexpr (!detail::can_be_item<R, F, detail::sent_type<Args>...>)
      return (void)sizeof(detail::complaint_about_item<R, F, detail::sent_type<Args>...>),
             detail::plain_item<>(detail::task_head());
    else
      return detail::queue_items::template call<R>(fn, args...);
  }
};

}  // namespace procx::inline v1
