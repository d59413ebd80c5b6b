#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/wire/travel.hpp>

#include <tuple>
#include <type_traits>

// What is asked about a call before any of it is compiled, so that the compiler says one sentence about what cannot be.
namespace procx::inline v1::detail {

/// Stands for a value where there is none, after the compiler was told why: it becomes whatever is wanted of it.
struct any_value {
  template <class T>
  operator T() const;
};

/// Whether values of the type can be given to a callable and taken from it over there.
template <class T>
inline constexpr bool can_be_passed = is_encodable<T> && std::is_move_constructible_v<T>;
template <>
inline constexpr bool can_be_passed<void> = true;

template <class T>
struct stays_where_it_is {
  static_assert(std::is_move_constructible_v<T>,
                "procx: an object that can be neither copied nor moved cannot be an argument or a result of a task; send it "
                "in a std::unique_ptr");
};
/// What the compiler says if a callable cannot be called with what its arguments arrive as.
template <class F, bool WithVariables, class... A>
struct cannot_be_called {
  static_assert(!WithVariables,
                "procx: this callable takes a T&, but arguments arrive as temporaries; let it take a T or a T const&, and "
                "return what it has changed");
  static_assert(WithVariables, "procx: the callable cannot be called with these arguments");
};
template <class F, class Arrivals>
struct called_with;
template <class F, class... A>
struct called_with<F, types<A...>> {
  static constexpr bool possible = std::is_invocable_v<F&, A...>;
  using result = std::decay_t<typename std::conditional_t<possible, std::invoke_result<F&, A...>, std::type_identity<void>>::type>;
  using complaint = cannot_be_called<F, std::is_invocable_v<F&, A&...>, A...>;
};
template <class F, class... Sent>
using call_of = called_with<F, arrivals<F, Sent...>>;

/// What calling an `F` with arguments that are sent as these gives; void if that is not possible.
template <class F, class... Sent>
using call_result = typename call_of<F, Sent...>::result;

/// Whether an `F` that is in another process can be called there with what is sent.
template <class F, class... Sent>
inline constexpr bool can_take = (can_be_passed<Sent> && ...) && call_of<F, Sent...>::possible;
/// And what it returns can come back.
template <class F, class... Sent>
inline constexpr bool can_be_called = can_take<F, Sent...> && can_be_passed<call_result<F, Sent...>>;

/// The sentence about what cannot be passed, the first of these.
template <class T, class... More>
consteval auto find_complaint_about_passed() {
  if constexpr (sizeof...(More) > 0 && can_be_passed<T>)
    return find_complaint_about_passed<More...>();
  else if constexpr (!is_encodable<T>)
    return std::type_identity<complaint_about<T>>();
  else
    return std::type_identity<stays_where_it_is<T>>();
}
template <class... T>
using complaint_about_passed = typename decltype(find_complaint_about_passed<T...>())::type;

/// The sentence about what is wrong with a call.
template <class F, class... Sent>
consteval auto find_complaint_about_call() {
  if constexpr (!(can_be_passed<Sent> && ...))
    return find_complaint_about_passed<Sent...>();
  else if constexpr (!call_of<F, Sent...>::possible)
    return std::type_identity<typename call_of<F, Sent...>::complaint>();
  else
    return find_complaint_about_passed<call_result<F, Sent...>>();
}
template <class F, class... Sent>
using complaint_about_call = typename decltype(find_complaint_about_call<F, Sent...>())::type;

}  // namespace procx::inline v1::detail
