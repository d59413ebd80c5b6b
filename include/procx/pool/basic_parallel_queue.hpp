#pragma once

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>
#include <procx/detail/pool/queue_call.hpp>
#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/pool/queue_iterator.hpp>
#include <procx/detail/pool/awaited_outcome.hpp>
#include <procx/detail/system/from_now.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace procx::inline v1 {

/// What `parallel_queue` and `parallel_single_task_queue` have in common: everything but the ways to put tasks in.
///
/// Outcomes leave in the order in which items were put: a `put` that returned before another began precedes it. A task's
/// outcome comes in its own place and the queue goes on: its value, or what it ended with is thrown (`remote_exception`
/// with its stack trace, `process_died`, `task_timeout`, `task_cancelled`, or `protocol_error` if its bytes are no `R`).
///
/// A loop over the queue that is left before its end, by `break`, `return` or an exception, closes the queue if no other
/// loop runs: nobody wants more, so that producers which wait for room would wait for ever. See `close`. To take some
/// outcomes now and others later, keep the iterator, or use `get`.
///
/// All members may be called from any thread at any time. Those that wait throw sequence_error on an executor of the
/// user's and in handlers on the queue's own thread, and all but `stop`, `size` and `is_alive` throw `error` in a forked
/// child. If the queue is destroyed, its workers are killed and reaped, and nobody may wait for it; not in a handler on its
/// own thread, and on an executor nothing of the queue may run there meanwhile.
template <class R>
class basic_parallel_queue {
 public:
  using value_type = R;
  using outcome_type = outcome<R>;
  /// What the functions that put return instead of a number if the queue is closed.
  static constexpr std::uint64_t not_put = detail::queue_core::no_place;

  basic_parallel_queue(basic_parallel_queue const&) = delete;
  basic_parallel_queue& operator=(basic_parallel_queue const&) = delete;

  /// Puts a value that is not run anywhere but keeps its place. Waits for room; returns the number of the item, from 0, or
  /// `not_put` if the queue is closed. Throws queue_stopped, also if `stop` comes while it waits; what the value's
  /// `serialize` throws.
  std::uint64_t pass(R const& value) { return put_item(detail::queue_items::value(value)); }
  /// The same if there is room within this time; otherwise false, and the item has no place and no number. 0: does not wait.
  /// True as well if the queue is closed: nobody wants the item, and it would be of no use to try again.
  [[nodiscard("false: there was no room, and the value has no place in the queue; pass waits for room")]]
  bool try_pass_for(std::chrono::nanoseconds timeout, R const& value) {
    return try_put_item(detail::queue_items::value(value), timeout);
  }
  /// As `pass`, without waiting. Completion: `void(std::exception_ptr)` when it has its place, or with what `pass` throws;
  /// with `queue_stopped` as well if the queue is closed.
  /// Cancellation (of any type): if it has no place yet it never gets one, and `operation_aborted` is thrown.
  template <class Token>
  auto async_pass(R const& value, Token&& token) {
    return async_put_item([&] { return detail::queue_items::value(value); }, std::forward<Token>(token));
  }

  /// Waits for the next outcome. Throws queue_stopped if the queue is stopped and empty, and what the task ended with.
  R get() { return wait_for_value(); }
  /// The next outcome if it is there; empty if it is not, or there will be none. Throws what the task ended with.
  std::optional<R> try_get() {
    detail::taken_result taken;
    return core_.try_get(taken) == got::result ? std::optional<R>(value_of(taken)) : std::nullopt;
  }
  /// The same if it comes within this time.
  std::optional<R> try_get_for(std::chrono::nanoseconds timeout) {
    detail::taken_result taken;
    bool const any = core_.get(taken, detail::from_now(timeout)) == got::result;
    return any ? std::optional<R>(value_of(taken)) : std::nullopt;
  }
  /// As `get`. Completion: `void(std::exception_ptr, std::optional<R>)`; empty, and without an exception, if the queue is
  /// stopped and empty. Those who wait are served in turn. Cancellation (of any type) loses no outcome; it completes with
  /// `operation_aborted`.
  template <class Token>
  auto async_get(Token&& token) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, std::optional<R>)>(
        [this](auto handler) {
          auto const slot = boost::asio::get_associated_cancellation_slot(handler);
          auto receiver = std::make_unique<detail::awaited_outcome<R, decltype(handler)>>(std::move(handler), core_.home());
          detail::begin_operation<detail::result_receiver>(
              std::move(receiver), slot, [&](auto& begun) { return core_.async_get(std::move(begun)); },
              [queue = core_.weak()](std::uint64_t number, boost::asio::cancellation_type) {
                detail::queue_core::cancel_get(queue, number);
              });
        },
        token);
  }

  /// Waits for the next outcome and puts it there; none if the queue is stopped and empty. Throws no task's failure.
  void next_outcome(std::optional<outcome_type>& to) {
    to.reset();
    if constexpr (detail::is_plain<R>) {
      std::uint64_t number = 0;
      if (auto value = core_.template try_take<R>(number)) [[likely]] {
        to.emplace(static_cast<std::size_t>(number), std::move(*value));
        return;
      }
    }
    take_outcome(to);
  }
  /// Iterates until the queue is stopped and empty; several may do so, each outcome comes to one of them. Dereferencing
  /// throws what a failed task ended with; going on with `++` is possible. If it is left before its end the queue is closed.
  /// A loop that begins after that ends with queue_stopped, once, if items have been refused.
  auto begin() { return detail::queue_iterator<basic_parallel_queue, R, R>(*this, core_); }
  std::default_sentinel_t end() const noexcept { return {}; }
  /// Successes and failures alike: a range of `outcome<R>`; `index()` is the number that `put` returned.
  auto outcomes() { return detail::queue_outcomes<basic_parallel_queue, R>(*this, core_); }

  /// Cancels the item with this number, as Asio means it: total drops it if it has not begun, partial asks it to stop
  /// (`px::stop_requested()`), terminal kills its process. Dropped or killed, its outcome is `task_cancelled`. Returns at
  /// once; does nothing if it is over.
  void cancel(std::uint64_t number, boost::asio::cancellation_type how = boost::asio::cancellation_type::terminal) {
    core_.cancel(number, how);
  }

  /// No more input: what was put is run, and can be got. Returns at once.
  void stop() noexcept { core_.stop(); }
  /// The consumer wants no more: as `stop`, but `put` and `pass`, also those that wait for room, return `not_put` then
  /// instead of throwing; the item has no place. Whoever leaves a loop over the queue need not call it. Returns at once.
  void close() noexcept { core_.leave(); }
  /// True once the consumer has left its loop or called `close`.
  bool is_closed() const noexcept { return core_.left(); }
  /// Waits until the queue is stopped, all its tasks have ended and its workers are gone, whether or not anybody takes
  /// the outcomes: those that are finished are kept, beyond `capacity_bytes` if need be, and can still be got. Throws, once,
  /// what a `teardown` has thrown, or process_died for a worker that has not left as it should.
  void join() { core_.join(never); }
  /// The same, for so long; false if time runs out.
  bool join_for(std::chrono::nanoseconds timeout) { return core_.join(detail::from_now(timeout)); }
  /// As `join`. Completion: `void(std::exception_ptr)`, or `void()` for a handler without parameters. It cannot be cancelled.
  template <class Token>
  auto async_join(Token&& token) {
    return boost::asio::async_initiate<Token, detail::ending_signature<Token>>(
        [this](auto handler) { core_.when_over(detail::posted_handler(std::move(handler), core_.home())); }, token);
  }
  /// False once it is stopped, all its tasks have ended and its workers are gone. There may still be outcomes to get.
  bool is_alive() const noexcept { return core_.is_alive(); }

  /// Items between `put` and `get`.
  std::size_t size() const noexcept { return core_.size(); }
  /// Processes at this moment.
  std::size_t workers() const noexcept { return core_.workers(); }

 protected:
  basic_parallel_queue(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
                       std::shared_ptr<void> callable = nullptr)
      : core_(options, std::move(executor), std::move(callable)) {
    if constexpr (!detail::can_be_passed<R>) (void)sizeof(detail::complaint_about_passed<R>);
  }
  ~basic_parallel_queue() = default;

  template <class... Parts>
  std::uint64_t put_item(detail::plain_item<Parts...> item) {
    std::uint64_t const number = item.try_put(core_.fast_intake());
    return number != no_place ? number : put_slowly(item);
  }
  std::uint64_t put_item(detail::encoded_item const& item) { return put_until(item, never); }
  template <class Item>
  bool try_put_item(Item const& item, std::chrono::nanoseconds timeout) {
    return put_until(item, detail::from_now(timeout)) != no_place || is_closed();
  }
  /// `encode` gives the item.
  template <class Encode, class Token>
  auto async_put_item(Encode const& encode, Token&& token) {
    auto item = detail::prepared<detail::stored_item>::by(
        [&] { return encode().use([](detail::intake_item const& i) { return detail::stored_item(i); }); });
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [this](auto handler, detail::prepared<detail::stored_item> stored) {
          auto const slot = boost::asio::get_associated_cancellation_slot(handler);
          auto op = std::make_unique<detail::awaited_result<void, decltype(handler)>>(std::move(handler), core_.home());
          detail::begin_operation<detail::operation>(
              std::move(op), slot,
              [&](auto& begun) {
                return stored.get().use([&](detail::intake_item const& i) { return core_.async_put(i, std::move(begun)); });
              },
              [queue = core_.weak()](std::uint64_t number, boost::asio::cancellation_type) {
                detail::queue_core::cancel_put(queue, number);
              });
        },
        token, std::move(item));
  }

 private:
  using got = detail::queue_core::got;
  static constexpr auto never = detail::queue_core::never;
  static constexpr auto no_place = detail::queue_core::no_place;

  template <class Item>
  std::uint64_t put_until(Item const& item, detail::queue_core::deadline until) {
    return item.use([&](detail::intake_item const& i) { return core_.put(i, until); });
  }
  /// By value, so that who calls it needs the item's address for this alone.
  template <class Item>
  [[gnu::noinline]] std::uint64_t put_slowly(Item item) {
    return put_until(item, never);
  }
  static R value_of(detail::taken_result const& taken) {
    if constexpr (!detail::can_be_passed<R>) {
      (void)sizeof(detail::complaint_about_passed<R>), __builtin_unreachable();
    } else {
      if (!taken.held) [[likely]] return decode<R>(input_archive(taken.bytes.data(), taken.length, nullptr));
      if (auto const error = taken.error()) std::rethrow_exception(error);
      return decode<R>(taken.value());
    }
  }
  [[gnu::noinline]] void take_outcome(std::optional<outcome_type>& to) {
    detail::taken_result taken;
    if (core_.get(taken, never) != got::result) return check_all_were_put();
    auto const index = static_cast<std::size_t>(taken.index);
    try {
      to.emplace(index, value_of(taken));
    } catch (...) {
      to.emplace(index, std::current_exception());
    }
  }
  /// At the end of a loop. If an earlier one was left, and then things were put, this one has not had them.
  void check_all_were_put() {
    if (std::uint64_t const refused = core_.take_refused())
      throw queue_stopped("an earlier loop over the queue was left before its end, which has closed the queue: " +
                          std::to_string(refused) + " items that were put later have been refused");
  }
  R wait_for_value() {
    if constexpr (detail::is_plain<R>) {
      std::uint64_t number = 0;
      if (auto value = core_.template try_take<R>(number)) [[likely]] return std::move(*value);
    }
    detail::taken_result taken;
    if (core_.get(taken, never) == got::end) throw queue_stopped();
    return value_of(taken);
  }

  detail::queue_core core_;
};

}  // namespace procx::inline v1
