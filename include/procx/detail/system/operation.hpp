#pragma once

#include <procx/detail/wire/blocks.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// What an asynchronous operation has come to, without its type: the bytes of a value, or the reason there is none.
struct raw_result {
  std::exception_ptr error;
  encoded_value bytes;
};

/// An operation under way, as compiled code sees it. Whoever holds it completes it exactly once.
class operation {
 public:
  virtual ~operation() = default;
  virtual void complete(raw_result result) = 0;
};

/// Keeps a completion handler, its executor's work and its cancellation slot together until the result is there.
///
/// `Finish` turns the raw result into the handler's arguments, at once, while the bytes are valid: it is called with
/// the result and a continuation that takes them. The handler itself is always posted, never called from within.
template <class Handler, class Finish>
class handler_operation final : public operation {
 public:
  handler_operation(Handler handler, Finish finish, boost::asio::any_io_executor const& io)
      : handler_(std::move(handler)),
        finish_(std::move(finish)),
        executor_(boost::asio::get_associated_executor(handler_, io)),
        work_(executor_) {}

  auto slot() const noexcept { return boost::asio::get_associated_cancellation_slot(handler_); }

  void complete(raw_result result) override {
    if (slot().is_connected()) slot().clear();
    finish_(result, [this](auto... arguments) {
      auto const allocator = boost::asio::get_associated_allocator(handler_);
      boost::asio::post(
          executor_, boost::asio::bind_allocator(
                         allocator, [handler = std::move(handler_), ... arguments = std::move(arguments)]() mutable {
                           std::move(handler)(std::move(arguments)...);
                         }));
    });
  }

 private:
  Handler handler_;
  Finish finish_;
  boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor> executor_;
  boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>> work_;
};

template <class Handler, class Finish>
auto make_operation(Handler&& handler, Finish finish, boost::asio::any_io_executor const& io) {
  return std::make_unique<handler_operation<std::decay_t<Handler>, Finish>>(std::forward<Handler>(handler),
                                                                            std::move(finish), io);
}

/// The number of an operation for whoever cancels it, maybe before it has one.
class operation_number {
 public:
  /// Has a cancellation of that kind happen once: now, or as soon as there is a number.
  template <class Cancel>
  void ask(boost::asio::cancellation_type how, Cancel const& cancel) {
    asked_ = how;
    if (number_ != none) cancel(number_, how);
  }
  template <class Cancel>
  void set(std::uint64_t number, Cancel const& cancel) {
    number_ = number;
    boost::asio::cancellation_type const how = asked_;
    if (number != none && how != boost::asio::cancellation_type::none) cancel(number, how);
  }

 private:
  static constexpr std::uint64_t none = 0;

  std::atomic<std::uint64_t> number_ = none;
  std::atomic<boost::asio::cancellation_type> asked_ = boost::asio::cancellation_type::none;
};

/// What it throws; null if it does not.
template <class F>
std::exception_ptr failure_of(F const& f) noexcept {
  try {
    f();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// What was made for an operation before that begins, or why it could not be.
template <class T>
class prepared {
 public:
  template <class Make>
  static prepared by(Make const& make) {
    prepared p;
    p.error_ = failure_of([&] { p.value_.emplace(make()); });
    return p;
  }
  /// Throws what `make` has thrown.
  T& get() {
    if (error_) std::rethrow_exception(error_);
    return *value_;
  }

 private:
  std::optional<T> value_;
  std::exception_ptr error_;
};

inline void fail(operation& op, std::exception_ptr error) { op.complete({std::move(error), {}}); }

/// Begins an operation that `cancel(number, type)` cancels, if the slot is told to. `start(op)` takes the operation, throws
/// nothing after that, and gives the number, 0 for one that is over. The slot is filled before: as soon as the operation has
/// begun, its handler may run in another thread and use the slot for the next one.
///
/// What is thrown instead of beginning completes the operation. It must not leave the initiating function: that of a coroutine
/// runs when the coroutine is suspended already, where it could not catch anything.
template <class Op, class Slot, class Start, class Cancel>
void begin_operation(std::unique_ptr<Op> op, Slot slot, Start start, Cancel cancel) {
  try {
    if (!slot.is_connected()) {
      start(op);
      return;
    }
    auto const number = std::make_shared<operation_number>();
    slot.assign([number, cancel](boost::asio::cancellation_type how) { number->ask(how, cancel); });
    number->set(start(op), cancel);
  } catch (...) {
    if (!op) throw;
    if (slot.is_connected()) slot.clear();
    fail(*op, std::current_exception());
  }
}

/// What asynchronous operations hand over where there may be no value: `T` itself if it can be made from nothing.
template <class T>
using async_value = std::conditional_t<std::is_default_constructible_v<T>, T, std::optional<T>>;

/// The error_code inside an exception, for operations that complete with one.
boost::system::error_code code_of(std::exception_ptr const& error) noexcept;

/// An executor, or an execution context or I/O object that has one.
template <class T>
concept has_executor =
    std::convertible_to<T, boost::asio::any_io_executor> || requires(std::remove_cvref_t<T>& context) {
      { context.get_executor() } -> std::convertible_to<boost::asio::any_io_executor>;
    };

template <has_executor T>
boost::asio::any_io_executor executor_of(T&& from) {
  if constexpr (std::convertible_to<T, boost::asio::any_io_executor>)
    return std::forward<T>(from);
  else
    return from.get_executor();
}

}  // namespace procx::inline v1::detail
