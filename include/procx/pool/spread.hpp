#pragma once

#include <procx/dispatch/callable_table.hpp>
#include <procx/dispatch/shared_vector.hpp>
#include <procx/dispatch/task_description.hpp>
#include <procx/dispatch/view.hpp>

#include <functional>
#include <ranges>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

template <class T>
using sent = std::conditional_t<std::is_convertible_v<std::decay_t<T>, char const*>, std::string,
                                std::remove_cvref_t<T>>;

/// What the elements of a range are: what its iterators give, or what that stands for (a bit, say).
template <class Range>
using range_element = std::conditional_t<
    std::is_same_v<std::remove_cvref_t<std::ranges::range_reference_t<Range>>, std::ranges::range_value_t<Range>>,
    std::ranges::range_reference_t<Range>, std::ranges::range_value_t<Range>>;

template <class T>
inline constexpr bool is_tuple = requires { std::tuple_size<T>::value; };

/// The only parameter of a callable that is not overloaded.
template <class F>
struct only_parameter {};
template <class R, class P>
struct only_parameter<R (*)(P)> {
  using type = P;
};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P)> {
  using type = P;
};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P) const> {
  using type = P;
};
template <class F>
  requires requires { &F::operator(); }
struct only_parameter<F> : only_parameter<decltype(&F::operator())> {};

/// What is on the wire as a vector is, and can be had there in place.
template <class T>
inline constexpr bool is_in_place = false;
template <class T>
inline constexpr bool is_in_place<view<T>> = true;
template <class T>
inline constexpr bool is_in_place<shared_vector<T>> = true;

/// What an element is taken as over there: in place, if the callable wants it so and the element is contiguous.
template <class F, class Element>
struct taken_as {
  using type = sent<Element>;
};
template <class F, class Element>
  requires requires { typename only_parameter<F>::type; } &&
           is_in_place<std::remove_cvref_t<typename only_parameter<F>::type>> &&
           std::ranges::contiguous_range<std::remove_cvref_t<Element>> &&
           std::is_same_v<std::ranges::range_value_t<std::remove_cvref_t<Element>>,
                          typename std::remove_cvref_t<typename only_parameter<F>::type>::value_type>
struct taken_as<F, Element> {
  using type = std::remove_cvref_t<typename only_parameter<F>::type>;
};

/// A call of `F` with one element of a range: as it is if `F` takes it, else spread over the parameters.
template <class F, class Element>
struct spread_call {
  using argument = typename taken_as<F, Element>::type;
  static constexpr bool whole = std::is_invocable_v<F&, argument&&>;
  static_assert(whole || is_tuple<argument>, "procx: the callable cannot be called with an element of the range");

  static decltype(auto) call(F& fn, argument&& a) {
    if constexpr (whole)
      return std::invoke(fn, std::move(a));
    else
      return std::apply(fn, std::move(a));
  }
  using result = decltype(call(std::declval<F&>(), std::declval<argument>()));

  static void encode(output_archive& out, Element const& element) {
    using element_type = std::remove_cvref_t<Element>;
    if constexpr (is_in_place<argument> && is_in_place<element_type>)
      save_to_make<element_type>(out, element);  // what is shared stays where it is
    else if constexpr (is_in_place<argument>)
      out.save_range(std::ranges::data(element), std::ranges::size(element), sizeof(typename argument::value_type));
    else if constexpr (std::is_same_v<argument, element_type>)
      save_to_make<argument>(out, element);
    else
      save_to_make<argument>(out, argument(element));
  }
  static void describe() { describe_once<&spread_call::run, argument>(); }
  static void run(void* object, input_archive& in, output_archive& out) {
    auto a = make<argument>(in);
    call_and_save([&]() -> decltype(auto) { return call(*static_cast<F*>(object), std::move(a)); }, out);
  }
};

}  // namespace procx::inline v1::detail
