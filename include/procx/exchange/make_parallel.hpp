#pragma once

#include <procx/version.hpp>

#include <procx/channel/channel.hpp>
#include <procx/detail/dispatch/callable_table.hpp>

#include <functional>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

namespace detail {

template <class F, class... Args>
void send_result(channel& up, F& fn, Args&... args) {
  using R = std::invoke_result_t<F&, Args&...>;
  if constexpr (std::is_void_v<R>) {
    std::invoke(fn, args...);
    up.send(std::monostate());
  } else {
    up.send<std::remove_cvref_t<R>>(std::invoke(fn, args...));
  }
}

}  // namespace detail

/// A function that knows nothing of channels, for use where one is passed: it sends what the function returns
/// (`std::monostate` for nothing).
template <class F>
class parallel_function {
 public:
  explicit parallel_function(F fn) : fn_(std::move(fn)) {}

  template <class... Args>
    requires std::invocable<F&, Args&...>
  void operator()(channel& up, Args... args) {
    detail::send_result(up, fn_, args...);
  }
  F& function() noexcept { return fn_; }

 private:
  F fn_;
};

/// Makes an existing function ready for `start`, exchanges, queues and maps.
/// \code
/// queue.start(px::make_parallel(square), 3);
/// \endcode
template <class F>
parallel_function<std::decay_t<F>> make_parallel(F&& fn) {
  return parallel_function<std::decay_t<F>>(std::forward<F>(fn));
}

}  // namespace procx::inline v1
