#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/task_description.hpp>
#include <procx/detail/pool/call_checks.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/pool/plain_item.hpp>
#include <procx/wire/travel.hpp>

#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace procx::inline v1::detail {

/// Calls, and writes what comes of it as an `R`: that conversion happens over there.
template <class R, class F>
void call_and_save_as(F&& call, output_archive& result) {
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    call();
    save_to_make<R>(result, R());
  } else {
    save_to_make<R>(result, call());
  }
}

/// The task that calls an `F`: one that came with the task, or, inherited, the object.
template <class R, bool Inherited, class F, class... Args>
void run_for_queue(void* object, input_archive& in, output_archive& result) {
  auto const run = [&](F& fn) {
    auto arguments = make<std::tuple<Args...>>(in);
    call_and_save_as<R>([&]() -> decltype(auto) { return std::apply(fn, std::move(arguments)); }, result);
  };
  if constexpr (Inherited) {
    run(*static_cast<F*>(object));
  } else {
    auto fn = take_callable<F>(object, in);
    run(fn);
  }
}

/// Whether calling an `F` with what these arguments become gives an `R`, or something that becomes one.
template <class R, class F, class Arrivals>
inline constexpr bool gives_with = false;
template <class R, class F, class... A>
  requires std::is_invocable_v<F&, A...>
inline constexpr bool gives_with<R, F, types<A...>> =
    std::is_convertible_v<std::invoke_result_t<F&, A...>, R> ||
    (std::is_void_v<std::invoke_result_t<F&, A...>> && std::is_same_v<R, std::monostate>);
template <class R, class F, class... Args>
concept gives = gives_with<R, F, arrivals<F, Args...>>;

template <class R, class F>
struct gives_nothing_for {
  static_assert(std::is_void_v<F>,
                "procx: called with these arguments, the callable gives nothing that becomes the queue's value type");
};
/// Whether a call of an `F` with what is sent gives an item for a queue of `R`, and if not, a sentence about what is wrong.
template <class R, class F, class... Sent>
inline constexpr bool can_be_item = can_take<F, Sent...> && gives<R, F, Sent...> && can_be_passed<R>;
template <class R, class F, class... Sent>
consteval auto find_complaint_about_item() {
  if constexpr (!can_take<F, Sent...>)
    return find_complaint_about_call<F, Sent...>();
  else if constexpr (!gives<R, F, Sent...>)
    return std::type_identity<gives_nothing_for<R, F>>();
  else
    return find_complaint_about_passed<R>();
}
template <class R, class F, class... Sent>
using complaint_about_item = typename decltype(find_complaint_about_item<R, F, Sent...>())::type;

/// What runs the task; how it is saved if it fails is known from now on.
template <class R, bool Inherited, class F, class... A>
task_entry queue_entry(types<A...>) {
  constexpr task_entry entry = &run_for_queue<R, Inherited, F, A...>;
  describe_once<entry, std::tuple<saved_as<A>...>, std::conditional_t<Inherited, void, F>>();
  return entry;
}

/// The ways to make an item for a queue of `R`: as a `plain_item` if that can be, else as an `encoded_item`.
struct queue_items {
  /// A call of a callable that travels.
  template <class R, class F, class... Args>
  static auto call(F const& fn, Args const&... args) {
    auto const head = task_head::travelling(queue_entry<R, false, F>(arrivals<F, sent_type<Args>...>()), fn);
    if constexpr (has_no_state<F> && (can_be_kept<sent_type<Args>> && ...))
      return plain_item<sent_type<Args>...>(head, args...);
    else
      return encoded_item(head, false, [&](output_archive& out) {
        save_state(out, fn);
        (save_argument(out, args), ...);
      });
  }
  /// A call of the callable that all workers have inherited.
  template <class R, class F, class... Args>
  static auto inherited_call(Args const&... args) {
    auto const head = task_head::inherited(0, queue_entry<R, true, F>(arrivals<F, sent_type<Args>...>()));
    if constexpr ((can_be_kept<sent_type<Args>> && ...))
      return plain_item<sent_type<Args>...>(head, args...);
    else
      return encoded_item(head, false, [&](output_archive& out) { (save_argument(out, args), ...); });
  }
  /// A value that is not run.
  template <class R>
  static encoded_item value(R const& value) {
    return encoded_item([&](buffer& to) { encode(to, value); });
  }
};

}  // namespace procx::inline v1::detail
