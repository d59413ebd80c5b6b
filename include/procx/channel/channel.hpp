#pragma once

#include <procx/version.hpp>

#include <procx/detail/system/operation.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/detail/system/from_now.hpp>
#include <procx/process/process.hpp>
#include <procx/wire/codec.hpp>
#include <procx/wire/travel.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

namespace detail {

class channel_core;

}  // namespace detail

/// One end of a connection between this process and one other, on which typed values travel in both directions.
///
/// The creating side owns the process behind the channel: `pid()`, `wait()`, `kill()`. The created side has `pid()` 0.
/// Values, exceptions and the end are told apart: `receive` throws what was thrown over there as `remote_exception`,
/// the death of the process as `process_died`, and the orderly end as `end_of_channel`. A value that is larger than the
/// frame limit is refused on the sending side (`protocol_error`), and the channel stays usable.
///
/// Not thread-safe on one object. Closing or destroying a channel does not end the process; it sees the end of its
/// channel, and is reaped when it has ended. An empty channel (never started, or moved from) has no process: what would
/// use one throws sequence_error. In a child that inherited it by a fork of the user's own the object is
/// inert: every operation throws (errc::foreign_process), and its destructor does nothing.
/// \code
/// px::channel ch = px::start([](px::channel& up) { up.send(up.receive<int>() * 2); });
/// ch.send(21);
/// assert(ch.receive<int>() == 42);
/// \endcode
class channel {
 public:
  channel() noexcept;
  channel(channel&&) noexcept;
  channel& operator=(channel&&) noexcept;
  ~channel();
  explicit channel(std::unique_ptr<detail::channel_core> core) noexcept;

  /// The process at the other end; 0 in the created process itself.
  pid_t pid() const noexcept;
  /// Becomes readable when that process ends; −1 in the created process. Procx's own: not to be closed.
  int pidfd() const noexcept;
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// Sends a copy. Returns when the system has taken all of it, or, on an acknowledged channel, when the other side
  /// has received it, or keeps it for its next `receive`. What arrives meanwhile is kept, so two sides that both send do
  /// not block each other.
  /// Throws end_of_channel or process_died if nobody can receive it any more, protocol_error if it is too large, and
  /// what the type's own `serialize` throws.
  template <class T>
  void send(T const& value) {
    if constexpr (detail::is_encodable<detail::sent_type<T>>) {
      encode_value<detail::sent_type<T>>(value);
      finish_send();
    } else {
      (void)sizeof(detail::complaint_about<detail::sent_type<T>>);
    }
  }

  /// Waits for the next value. Throws end_of_channel, remote_exception, process_died, or protocol_error if what
  /// arrives is not a `T`.
  template <class T>
  T receive() {
    if constexpr (detail::is_encodable<T>)
      return decode<T>(*next_value(std::nullopt));
    else
      (void)sizeof(detail::complaint_about<T>), __builtin_unreachable();
  }
  /// The next value if it is there; empty if there is none now, or never will be. Throws as `receive` does, but not
  /// end_of_channel.
  template <class T>
  std::optional<T> try_receive() {
    return decode_optional<T>(value_now());
  }
  /// Waits for the next value for so long at most.
  template <class T>
  std::optional<T> try_receive_for(std::chrono::nanoseconds timeout) {
    return decode_optional<T>(next_value(detail::from_now(timeout)));
  }

  /// Nothing more will be sent or received; the other side sees the end.
  void close() noexcept;

  /// Says that nothing more will be sent, waits until the process has ended, and reaps it. What it sends meanwhile is
  /// kept for `receive`.
  exit_status wait();
  std::optional<exit_status> wait_for(std::chrono::nanoseconds timeout);
  /// How the process ended, if it has.
  std::optional<exit_status> try_wait();
  /// Sends a signal to the process; false if it has ended.
  bool kill(int signal) noexcept;
  /// What the process wrote to its standard error last, at most 4 KiB.
  std::string stderr_tail() const;

  /// The executor that was given to `start`, if one was.
  std::optional<boost::asio::any_io_executor> get_executor() const;

  /// As `send`. Completion: `void(error_code)`, with the codes of what `send` throws; of what is no `system_error`,
  /// errc::protocol_error for what the value's `serialize` throws, and operation_not_permitted for an empty channel. Several
  /// may be under way; they leave in order. Cancellation (any type) gives up waiting: a value that has left in part goes on
  /// leaving.
  ///
  /// Of this and all other asynchronous operations: nothing is thrown by the initiating function. Without an executor of the
  /// channel's, that of the handler is told so, or the system's if it has none.
  template <class T, class Token>
  auto async_send(T const& value, Token&& token) {
    auto const failure = detail::failure_of([&] {
      (void)executor_or_throw();  // before anything is on its way
      encode_value<detail::sent_type<T>>(value);
    });
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, std::exception_ptr why_not) {
          this->begin(std::move(handler), &channel::start_send,
                      [](detail::raw_result r, auto done) { done(detail::code_of(r.error)); }, why_not);
        },
        token, failure);
  }

  /// As `receive`. Completion: `void(std::exception_ptr, T)`; if `T` has no default constructor
  /// `void(std::exception_ptr, std::optional<T>)`. One at a time. Cancellation (any type) loses no value.
  template <class T, class Token>
  auto async_receive(Token&& token) {
    using value_type = detail::async_value<T>;
    return boost::asio::async_initiate<Token, void(std::exception_ptr, value_type)>(
        [this](auto handler) {
          this->begin(std::move(handler), &channel::start_receive, [](detail::raw_result r, auto done) {
            if (!r.error) try {
                return done(std::exception_ptr(), value_type(decode<T>(r.bytes)));
              } catch (...) {
                r.error = std::current_exception();
              }
            done(r.error, value_type());
          });
        },
        token);
  }

  /// As `wait`. Completion: `void(error_code, exit_status)`.
  template <class Token>
  auto async_wait(Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, exit_status)>(
        [this](auto handler) {
          this->begin(std::move(handler), &channel::start_wait, [core = core_.get()](detail::raw_result r, auto done) {
            done(detail::code_of(r.error), r.error ? exit_status() : status_of(*core));
          });
        },
        token);
  }

  detail::channel_core& core() const noexcept { return *core_; }

 private:
  template <class T, class U>
  void encode_value(U const& value) {
    detail::buffer& out = begin_send();
    try {
      if constexpr (std::is_same_v<T, U>)
        encode<T>(out, value);
      else
        encode<T>(out, T(value));
    } catch (...) {
      abandon_send();
      throw;
    }
    commit_send();
  }
  template <class T>
  static std::optional<T> decode_optional(std::optional<detail::encoded_value> const& bytes) {
    if (!bytes) return std::nullopt;
    return decode<T>(*bytes);
  }

  using starter = std::uint64_t (channel::*)(std::unique_ptr<detail::operation>&&);
  template <class Handler, class Finish>
  void begin(Handler handler, starter start, Finish finish, std::exception_ptr const& why_not = nullptr) {
    auto op = detail::make_operation(std::move(handler), std::move(finish), executor_for_handlers());
    auto const slot = op->slot();
    detail::begin_operation<detail::operation>(
        std::move(op), slot,
        [&](auto& begun) {
          if (why_not) std::rethrow_exception(why_not);
          (void)executor_or_throw();
          return (this->*start)(std::move(begun));
        },
        [core = weak()](std::uint64_t id, boost::asio::cancellation_type) { cancel(core, id); });
  }

  detail::channel_core& valid_core() const;
  detail::buffer& begin_send();
  void abandon_send() noexcept;
  void commit_send();
  void finish_send();
  std::optional<detail::encoded_value> next_value(std::optional<std::chrono::steady_clock::time_point> until);
  std::optional<detail::encoded_value> value_now();

  boost::asio::any_io_executor executor_or_throw() const;
  boost::asio::any_io_executor executor_for_handlers() const;
  std::weak_ptr<detail::channel_core*> weak() const;
  static exit_status status_of(detail::channel_core& core);
  static void cancel(std::weak_ptr<detail::channel_core*> const& core, std::uint64_t id);
  std::uint64_t start_send(std::unique_ptr<detail::operation>&& op);
  std::uint64_t start_receive(std::unique_ptr<detail::operation>&& op);
  std::uint64_t start_wait(std::unique_ptr<detail::operation>&& op);

  std::unique_ptr<detail::channel_core> core_;
};

}  // namespace procx::inline v1
