#pragma once

#include <procx/version.hpp>

#include <procx/exchange/make_parallel.hpp>

#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

/// A function that knows nothing of channels, for use again and again in one process: it sends a result, takes the next
/// parameters (`std::optional<std::tuple<…>>`), and ends when there are none.
template <class F>
class reusable_function {
 public:
  explicit reusable_function(F fn) : fn_(std::move(fn)) {}

  template <class... Args>
    requires std::invocable<F&, Args&...>
  void operator()(channel& up, Args... args) {
    using parameters = std::tuple<detail::sent_type<Args>...>;
    std::optional<parameters> next(std::in_place, std::move(args)...);
    for (; next; next = up.receive<std::optional<parameters>>())
      std::apply([&](auto&... a) { detail::send_result(up, fn_, a...); }, *next);
  }
  F& function() noexcept { return fn_; }

 private:
  F fn_;
};

/// Makes an existing function ready for exchanges, queues and maps with `.reuse = true`: any of their processes runs
/// any of the functions, as many as the limit, however many tasks.
template <class F>
reusable_function<std::decay_t<F>> make_reusable(F&& fn) {
  return reusable_function<std::decay_t<F>>(std::forward<F>(fn));
}

}  // namespace procx::inline v1
