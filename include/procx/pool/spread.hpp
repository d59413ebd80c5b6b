#pragma once

#include <procx/dispatch/arrival.hpp>
#include <procx/dispatch/callable_table.hpp>
#include <procx/dispatch/task_description.hpp>
#include <procx/wire/plain.hpp>

#include <cstddef>
#include <functional>
#include <ranges>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// An element as it is sent: text as a string, and a tuple of references as what they refer to.
template <class T>
struct sent_element {
  using type = std::conditional_t<std::is_convertible_v<std::decay_t<T>, char const*>, std::string, std::remove_cvref_t<T>>;
};
template <class... T>
struct sent_element<std::tuple<T...>> {
  using type = std::tuple<std::remove_cvref_t<T>...>;
};
template <class T, class U>
struct sent_element<std::pair<T, U>> {
  using type = std::pair<std::remove_cvref_t<T>, std::remove_cvref_t<U>>;
};
template <class T>
using sent = typename sent_element<std::remove_cvref_t<T>>::type;

/// What the elements of a range are: what its iterators give, or what that stands for (a bit, say).
template <class Range>
using range_element = std::conditional_t<
    std::is_same_v<std::remove_cvref_t<std::ranges::range_reference_t<Range>>, std::ranges::range_value_t<Range>>,
    std::ranges::range_reference_t<Range>, std::ranges::range_value_t<Range>>;

template <class T>
inline constexpr bool is_tuple = requires { std::tuple_size<T>::value; };

/// What an element is taken as over there: as the callable wants it, in place if the element is contiguous.
template <class F, class Element>
struct taken_as {
  using type = sent<Element>;
};
template <class P>
struct only_parameter {};
template <class P>
struct only_parameter<types<P>> {
  using type = std::remove_cvref_t<P>;
};
template <class F>
using only_parameter_of = typename only_parameter<typename parameters_of<F>::type>::type;
template <class P, class Element>
inline constexpr bool fits_in_place = false;
template <class P, std::ranges::contiguous_range Element>
  requires is_in_place<P>
inline constexpr bool fits_in_place<P, Element> = std::is_same_v<std::ranges::range_value_t<Element>, typename P::value_type>;
template <class F, class Element>
  requires requires { typename only_parameter_of<F>; }
struct taken_as<F, Element> {
  using wanted = only_parameter_of<F>;
  using type = std::conditional_t<fits_in_place<wanted, std::remove_cvref_t<Element>>, wanted,
                                  arrived_type<wanted, sent<Element>>>;
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
  /// Of how many bytes each argument is, if `write_plain` does for it; else 0.
  static constexpr std::size_t plain_bytes = plain_size<argument>;
  static void write(std::byte* to, Element const& element) {
    if constexpr (std::is_same_v<argument, std::remove_cvref_t<Element>>)
      write_plain(to, element);
    else
      write_plain(to, argument(element));
  }
  static void describe() { describe_once<&spread_call::run, saved_as<argument>>(); }
  static void run(void* object, input_archive& in, output_archive& out) {
    auto a = make<argument>(in);
    call_and_save([&]() -> decltype(auto) { return call(*static_cast<F*>(object), std::move(a)); }, out);
  }
};

}  // namespace procx::inline v1::detail
