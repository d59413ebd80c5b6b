#pragma once

#include <procx/version.hpp>

#include <procx/pool/basic_parallel_queue.hpp>
#include <procx/detail/pool/call_checks.hpp>
#include <procx/pool/parallel_queue_options.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

namespace detail {

/// Of a callable that is overloaded or generic.
using unknown_result = any_value;

/// What a callable that is not overloaded returns.
template <class F>
struct only_result {
  using type = unknown_result;
};
template <class R, class... P>
struct only_result<R (*)(P...)> {
  using type = result_type<R>;
};
template <class R, class... P>
struct only_result<R (*)(P...) noexcept> : only_result<R (*)(P...)> {};
template <class R, class C, class... P>
struct only_result<R (C::*)(P...)> : only_result<R (*)(P...)> {};
template <class R, class C, class... P>
struct only_result<R (C::*)(P...) const> : only_result<R (*)(P...)> {};
template <class R, class C, class... P>
struct only_result<R (C::*)(P...) noexcept> : only_result<R (*)(P...)> {};
template <class R, class C, class... P>
struct only_result<R (C::*)(P...) const noexcept> : only_result<R (*)(P...)> {};
template <class F>
  requires requires { &F::operator(); }
struct only_result<F> : only_result<decltype(&F::operator())> {};

}  // namespace detail

/// A parallel queue of which all tasks are calls of one callable, with whatever that captures: the workers inherit it
/// as it is when the queue is made; what it refers to, for each worker as it is when that is made. A callable that
/// returns nothing gives `std::monostate`.
///
/// Everything else as for `parallel_queue`.
/// \code
/// px::parallel_single_task_queue queue([&dictionary](std::string const& word) { return dictionary.at(word); });
/// \endcode
template <class F, class R = typename detail::only_result<F>::type>
class parallel_single_task_queue : public basic_parallel_queue<R> {
 public:
  explicit parallel_single_task_queue(F fn, parallel_queue_options const& options = {})
      : base(options, std::nullopt, std::make_shared<F>(std::move(fn))) {}
  template <detail::has_executor Executor>
  parallel_single_task_queue(Executor&& executor, F fn, parallel_queue_options const& options = {})
      : base(options, detail::executor_of(std::forward<Executor>(executor)), std::make_shared<F>(std::move(fn))) {}

  /// Puts the task of calling it with these arguments; as `parallel_queue::put`.
  template <class... Args>
  std::uint64_t put(Args&&... args) {
    return this->put_item(encoded(args...));
  }
  /// As `parallel_queue::try_put_for`.
  template <class... Args>
  [[nodiscard("false: there was no room, and the task has no place in the queue; put waits for room")]]
  bool try_put_for(std::chrono::nanoseconds timeout, Args&&... args) {
    return this->try_put_item(encoded(args...), timeout);
  }
  /// As `parallel_queue::async_put`, with the arguments in a tuple.
  template <class... Args, class Token>
  auto async_put(std::tuple<Args...> const& arguments, Token&& token) {
    return std::apply(
        [&](Args const&... args) {
          return this->async_put_item([&] { return encoded(args...); }, std::forward<Token>(token));
        },
        arguments);
  }

 private:
  using base = basic_parallel_queue<R>;

  template <class... Args>
  static auto encoded(Args const&... args) {
    if constexpr (!detail::can_be_item<R, F, detail::sent_type<Args>...>)
      return (void)sizeof(detail::complaint_about_item<R, F, detail::sent_type<Args>...>),
             detail::plain_item<>(detail::task_head());
    else
      return detail::queue_items::template inherited_call<R, F>(args...);
  }
};

/// Says why there is no such queue, and lets pass what is done with it.
template <class F>
class parallel_single_task_queue<F, detail::unknown_result> {
  static_assert(std::is_void_v<F>,
                "procx: what a generic or overloaded callable returns is not known; give its parameters types, or name what it "
                "returns: px::parallel_single_task_queue<decltype(lambda), int> queue(lambda)");

 public:
  template <class... Args>
  explicit parallel_single_task_queue(Args&&...) {}
  template <class... Args>
  std::uint64_t put(Args&&...);
  template <class... Args>
  bool try_put_for(Args&&...);
  detail::any_value get();
  std::optional<detail::any_value> try_get();
  void stop();
  void join();
  detail::any_value* begin();
  detail::any_value* end();
};

template <class F>
parallel_single_task_queue(F) -> parallel_single_task_queue<F>;
template <class F>
parallel_single_task_queue(F, parallel_queue_options) -> parallel_single_task_queue<F>;
template <detail::has_executor Executor, class F>
parallel_single_task_queue(Executor&&, F) -> parallel_single_task_queue<F>;
template <detail::has_executor Executor, class F>
parallel_single_task_queue(Executor&&, F, parallel_queue_options) -> parallel_single_task_queue<F>;

}  // namespace procx::inline v1
