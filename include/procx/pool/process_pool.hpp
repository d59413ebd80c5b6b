#pragma once

#include <procx/version.hpp>

#include <procx/pool/call.hpp>
#include <procx/detail/pool/pool_core.hpp>
#include <procx/pool/pool_options.hpp>
#include <procx/detail/pool/submission.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

/// An executor of calls in other processes: whatever is submitted is run in one of its workers.
///
/// Workers start as there is work for them, are replaced when they die, and end when they have been idle for long. Each
/// call ends in exactly one way: its value, `remote_exception`, `process_died`, `task_timeout` or `task_cancelled`.
/// Workers come from a nursery that is forked when the pool is made, so a callable must be able to travel (a function, a
/// lambda without captures, `px::by_value`), or be given to `add`.
///
/// Without an executor the pool has one thread of its own, which runs no code of the user's but result types'
/// `serialize` and completion handlers that are not bound to an executor; with one it works on a strand of it. All
/// members may be called from any thread at any time; on the pool's own, where such handlers run, those that wait throw
/// sequence_error, and `submit` does not wait. If the pool is destroyed, it waits for what was posted, its workers are killed
/// and reaped, and what is not over is cancelled; not in a handler on its own thread, and on an executor nothing of the pool
/// may run there meanwhile, and it does not wait.
/// Cost: a millisecond to make; then about half a microsecond a call, most of it for the future.
/// \code
/// px::process_pool pool({.workers = 4});
/// std::future<int> answer = pool.submit(parse, text);
/// for (auto const& path : paths) pool.post(make_thumbnail, path);
/// pool.drain();  // throws what the first of them failed with
/// \endcode
class process_pool {
 public:
  explicit process_pool(pool_options const& options = {}) : core_(options, std::nullopt) {}
  template <detail::has_executor Executor>
  explicit process_pool(Executor&& executor, pool_options const& options = {})
      : core_(options, detail::executor_of(std::forward<Executor>(executor))) {}

  /// Runs `fn(args...)` in a worker. Waits while `capacity` tasks are not over (never on an executor of the user's).
  /// Throws queue_stopped after `stop`, std::invalid_argument for what was added to another pool, protocol_error if the
  /// arguments do not fit into a frame, and what their `serialize` throws; everything else comes out of the future.
  template <class F, class... Args>
  [[nodiscard("who drops the future hears of no failure, and the call is cancelled if the pool goes: keep it, or use post")]]
  auto submit(F fn, Args&&... args) {
    using result = detail::submitted_result<F, detail::sent_type<Args>...>;
    std::future<result> future;
    if constexpr (!detail::can_be_submitted<F, detail::sent_type<Args>...>) {
      (void)sizeof(detail::complaint_about_submission<F, detail::sent_type<Args>...>);
    } else {
      check_ours(fn);
      auto op = std::make_unique<detail::promised_result<result>>();
      future = op->get_future();
      detail::pool_item<detail::wanted::result>(fn, core_.runs_once(), args...).use([&](detail::intake_item const& item) {
        core_.submit(item, std::move(op), true);
      });
    }
    return future;
  }

  /// Runs `fn(args...)` in a worker for what it does there; what it returns, which need not be serializable, stays there. It is
  /// done before the pool goes, unless that is stopped or works on an executor of the user's. A failure is told to the `log`,
  /// as a line of its task, or on standard error, and thrown by `drain`. Waits and throws as `submit`.
  template <class F, class... Args>
  void post(F fn, Args&&... args) {
    if constexpr (!detail::can_be_posted<F, detail::sent_type<Args>...>) {
      (void)sizeof(detail::complaint_about_submission<F, detail::sent_type<Args>...>);
    } else {
      check_ours(fn);
      detail::pool_item<detail::wanted::only_effects>(fn, core_.runs_once(), args...).use([&](detail::intake_item const& item) {
        core_.submit(item, nullptr, true);
      });
    }
  }

  /// Runs a call made by `px::call`; never waits: beyond `capacity` and `capacity_bytes` the call waits for its turn, and is
  /// under way as soon as there is room. Completion: `void(std::exception_ptr, R)`, for a call that returns
  /// nothing `void(std::exception_ptr)`, and if `R` has no default constructor `void(std::exception_ptr,
  /// std::optional<R>)`. Cancellation: total drops the call if it has not begun; partial does so too, and if it has begun
  /// `px::stop_requested()` turns true in it; terminal drops it or kills its process. A call that was dropped or killed
  /// completes with `task_cancelled`, whose code is `operation_aborted`. What `submit` throws it completes with as well.
  template <class F, class... Args, class Token>
  auto async_submit(bound_call<F, Args...> call, Token&& token) {
    using result = detail::submitted_result<F, Args...>;
    if constexpr (!detail::can_be_submitted<F, Args...>) {
      (void)sizeof(detail::complaint_about_submission<F, Args...>);
      return boost::asio::async_initiate<Token, detail::submission_signature<result>>([](auto&&) {}, token);
    } else {
      auto const item = [&](auto const&... args) {
        check_ours(call.fn);
        return kept_item(detail::pool_item<detail::wanted::result>(call.fn, core_.runs_once(), args...));
      };
      using kept = std::invoke_result_t<decltype(item), Args const&...>;
      return async_submit_item<result>(
          detail::prepared<kept>::by([&] { return std::apply(item, call.arguments); }), token);
    }
  }

  /// Has the workers inherit a callable, whatever it has captured, as it is when the first call of it is run: workers
  /// that run already are replaced. What it refers to is for each worker as it is when that is made. What stands for it
  /// can be submitted to this pool.
  template <class F>
  [[nodiscard("the callable runs when what stands for it is submitted")]]
  pooled_callable<F> add(F fn) {
    return {core_.add(std::make_shared<F>(std::move(fn))), core_.weak()};
  }

  /// Waits until everything that was submitted or posted is over and, if there is a `teardown`, the workers that were to leave
  /// by then have left. Throws sequence_error on an executor of the user's. Throws, once, the first failure of what was posted
  /// since the last time; else what a `teardown` has thrown, or process_died for a worker that has not left as it should.
  /// What happens when the pool is destroyed, only the log hears.
  void drain() { core_.drain(std::nullopt); }
  /// The same, for so long; false if time runs out.
  bool drain_for(std::chrono::nanoseconds timeout) { return core_.drain(timeout); }
  /// Completes when `drain` would return or throw: `void(std::exception_ptr)`, or `void()` for a handler without parameters.
  /// It cannot be cancelled.
  template <class Token>
  auto async_drain(Token&& token) {
    return boost::asio::async_initiate<Token, detail::ending_signature<Token>>(
        [this](auto handler) {
          core_.when_drained(detail::posted_handler(std::move(handler), core_.home()));
        },
        token);
  }

  /// Takes no more calls; cancels those that have not begun, and kills the workers of the others. Returns at once.
  void stop() noexcept { core_.stop(); }

  /// Calls that are not over.
  std::size_t size() const noexcept { return core_.size(); }
  /// Processes at this moment.
  std::size_t workers() const noexcept { return core_.workers(); }

 private:
  template <class R, class Item, class Token>
  auto async_submit_item(detail::prepared<Item> item, Token& token) {
    return boost::asio::async_initiate<Token, detail::submission_signature<R>>(
        [this](auto handler, detail::prepared<Item> kept) {
          auto const slot = boost::asio::get_associated_cancellation_slot(handler);
          auto op = std::make_unique<detail::awaited_result<R, decltype(handler)>>(std::move(handler), core_.home());
          detail::begin_operation<detail::operation>(
              std::move(op), slot,
              [&](auto& begun) {
                return kept.get().use([&](detail::intake_item const& i) { return core_.submit(i, std::move(begun), false); });
              },
              [pool = core_.weak()](std::uint64_t id, boost::asio::cancellation_type how) {
                detail::pool_core::cancel(pool, id, how);
              });
        },
        token, std::move(item));
  }

  template <class F>
  void check_ours(F const& fn) const {
    if constexpr (detail::is_pooled<F>)
      if (!fn.is_of(core_.weak())) throw std::invalid_argument("the callable was added to another pool");
  }

  detail::pool_core core_;
};

}  // namespace procx::inline v1
