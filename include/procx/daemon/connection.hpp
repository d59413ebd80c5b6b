#pragma once

#include <procx/version.hpp>

#include <procx/daemon/connect_options.hpp>
#include <procx/daemon/remote_map.hpp>
#include <procx/detail/daemon/call_answer.hpp>
#include <procx/detail/daemon/client_core.hpp>
#include <procx/detail/daemon/function_name.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/pool/call.hpp>

#include <boost/asio/async_result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

/// A function that is registered under a name, possibly in another program, and its arguments: what `px::call<R>(name, …)`
/// makes.
template <class R, class... Args>
struct bound_named_call {
  std::string name;
  std::tuple<Args...> arguments;
};

/// Puts a name and arguments together, for `connection::async_call`. `R` is what the function returns.
template <class R, class... Args>
bound_named_call<R, detail::sent_type<Args>...> call(std::string_view name, Args&&... args) {
  return {std::string(name), {std::forward<Args>(args)...}};
}

/// A connection to a daemon: calls the functions that it has registered by `PROCX_TASK`.
///
/// A function is named by itself, if this program has it too, or by its name and the type of its result: the arguments are then
/// sent as the types that they have here, which must be the types of its parameters. Arguments and results are sent in the
/// portable form.
///
/// Each call ends in exactly one way: its value; `remote_exception` if the function threw; `process_died` if its worker
/// crashed; `task_timeout`; `task_cancelled`; `protocol_error` with errc::unknown_task, errc::signature_mismatch or
/// errc::value_too_large if it cannot be called so; `connection_error` if the connection broke before there was an answer (see
/// `connect_options::reconnect`). The others are not affected. What is not known is then whether it has run.
///
/// All members may be called from any thread at any time; calls of several threads share the connection. Calls are begun by the
/// daemon in the order in which they were made. Blocking calls need no executor, and no thread of their own. Asynchronous ones
/// complete on the handler's executor; if it has none, on the connection's, or on a thread of the connection's own, which the
/// first such call starts. The destructor cancels what is under way; no thread may wait then. In a forked child of the
/// user's own every operation throws (errc::foreign_process).
/// Cost: a call that blocks is two system calls here, and some four in the daemon and its worker.
/// \code
/// px::connection words = px::connect("/run/user/1000/words.sock");
/// std::vector<std::string> found = words.call(look_up, query{"pro", 2});
/// int area = words.call<int>("square", 8);
/// \endcode
class connection {
 public:
  explicit connection(std::filesystem::path const& address, connect_options const& options = {})
      : core_(std::make_unique<detail::client_core>(address, options, std::nullopt)) {}
  template <detail::has_executor Executor>
  connection(Executor&& executor, std::filesystem::path const& address, connect_options const& options = {})
      : core_(std::make_unique<detail::client_core>(address, options, detail::executor_of(std::forward<Executor>(executor)))) {}

  /// Calls a function that this program has registered too, and waits for its value. Throws std::invalid_argument if it has not.
  template <class R, class... P, class... Args>
    requires(sizeof...(P) == sizeof...(Args))
  R call(R (*function)(P...), Args&&... args) {
    return call_as<R, std::decay_t<P>...>(detail::name_of(function), std::forward<Args>(args)...);
  }
  /// Calls the function of this name, which returns an `R`, and waits for its value.
  template <class R, class... Args>
  R call(std::string_view name, Args&&... args) {
    return call_as<R, detail::sent_type<Args>...>(name, std::forward<Args>(args)...);
  }

  /// Begins a call made by `px::call`; never waits. Completion: `void(std::exception_ptr, R)`, for a function that returns
  /// nothing `void(std::exception_ptr)`, and if `R` has no default constructor `void(std::exception_ptr,
  /// std::optional<R>)`. Cancellation: total drops the call if it has not begun; partial does so too, and if it has begun
  /// `px::stop_requested()` turns true in it; terminal drops it or kills its worker. A call that was dropped or killed completes
  /// with `task_cancelled`, whose code is `operation_aborted`. What `call` throws it completes with as well.
  template <class R, class... P, class... Args, class Token>
    requires(sizeof...(P) == sizeof...(Args))
  auto async_call(bound_call<R (*)(P...), Args...> call, Token&& token) {
    return async<R>(
        detail::prepared<detail::encoded_call>::by([&] {
          return std::apply(
              [&](auto const&... args) {
                return detail::encoded_call::of<R, std::decay_t<P>...>(detail::name_of(call.fn), args...);
              },
              call.arguments);
        }),
        token);
  }
  template <class R, class... Args, class Token>
  auto async_call(bound_named_call<R, Args...> call, Token&& token) {
    return async<R>(detail::prepared<detail::encoded_call>::by([&] {
                      return std::apply(
                          [&](auto const&... args) { return detail::encoded_call::of<R, Args...>(call.name, args...); },
                          call.arguments);
                    }),
                    token);
  }

  /// Calls the function with each element of the range, in order and lazily; see `remote_map`. A function of several parameters
  /// takes elements that are tuples. A range given as an lvalue is referred to, and must outlive the result, as must the
  /// connection.
  template <class R, class... P, std::ranges::viewable_range Range>
  [[nodiscard("results arrive only as they are taken")]]
  auto pmap(R (*function)(P...), Range&& inputs) {
    return remote_map<R, std::views::all_t<Range>, std::decay_t<P>...>(*core_, std::string(detail::name_of(function)),
                                                                       std::views::all(std::forward<Range>(inputs)));
  }
  /// The same of the function of this name, which returns an `R` and has one parameter, of the type of the elements.
  template <class R, std::ranges::viewable_range Range>
  [[nodiscard("results arrive only as they are taken")]]
  auto pmap(std::string_view name, Range&& inputs) {
    using element = std::ranges::range_value_t<Range>;
    return remote_map<R, std::views::all_t<Range>, element>(*core_, std::string(name),
                                                           std::views::all(std::forward<Range>(inputs)));
  }

 private:
  template <class R, class... A, class... Args>
  R call_as(std::string_view name, Args&&... args) {
    auto const call = detail::encoded_call::of<R, A...>(name, args...);
    auto const slot = std::make_shared<detail::answer_slot<R>>();
    core_->begin(call.get(), std::make_unique<detail::slot_operation<R>>(slot), detail::client_core::answer_by::waiting);
    core_->wait(slot->done);
    if (slot->error) std::rethrow_exception(slot->error);
    if constexpr (!std::is_void_v<R>) return std::move(*slot->value);
  }

  template <class R, class Token>
  auto async(detail::prepared<detail::encoded_call> call, Token& token) {
    return boost::asio::async_initiate<Token, detail::submission_signature<R>>(
        [core = core_.get()](auto handler, detail::prepared<detail::encoded_call> kept) {
          auto const slot = boost::asio::get_associated_cancellation_slot(handler);
          auto op = std::make_unique<detail::awaited_answer<R, decltype(handler)>>(std::move(handler), core->home());
          detail::begin_operation<detail::operation>(
              std::move(op), slot,
              [&](auto& begun) {
                return core->begin(kept.get().get(), std::move(begun), detail::client_core::answer_by::executor);
              },
              [weak = core->weak()](std::uint64_t id, boost::asio::cancellation_type how) {
                detail::client_core::cancel(weak, id, how);
              });
        },
        token, std::move(call));
  }

  std::unique_ptr<detail::client_core> core_;
};

namespace detail {

/// An object instead of a function: Asio looks for functions of this name in the namespaces of whatever is asked whether it is an
/// executor (execution::connect), and would ask that of the same type again.
struct connect_function {
  connection operator()(std::filesystem::path const& address, connect_options const& options = {}) const {
    return connection(address, options);
  }
  template <has_executor Executor>
  connection operator()(Executor&& executor, std::filesystem::path const& address, connect_options const& options = {}) const {
    return connection(std::forward<Executor>(executor), address, options);
  }
};

}  // namespace detail

/// `px::connect(address, options)` connects to the daemon at the path. Throws connection_error if none listens there, if it does
/// not greet in 20 s, or if it belongs to another user than this one and root; protocol_error if what listens there is no daemon,
/// or speaks another version of the protocol.
/// `px::connect(executor, address, options)`: the same; asynchronous calls work on the executor. Waits for the daemon's greeting.
inline constexpr detail::connect_function connect{};

}  // namespace procx::inline v1
