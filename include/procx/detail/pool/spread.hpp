#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/task_description.hpp>
#include <procx/detail/pool/call_checks.hpp>
#include <procx/detail/wire/plain.hpp>

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

/// What the parts of a pair or tuple are taken as by the parameters of `F`.
template <class F, class Parts>
struct taken_apart_as {
  using type = Parts;
};
template <class Types>
struct tuple_of;
template <class... A>
struct tuple_of<types<A...>> {
  using type = std::tuple<A...>;
};
template <class F, class... T>
struct taken_apart_as<F, std::tuple<T...>> : tuple_of<arrivals<F, sent_type<T>...>> {};
template <class F, class A, class B>
struct taken_apart_as<F, std::pair<A, B>> : taken_apart_as<F, std::tuple<A, B>> {};

template <class T>
inline constexpr bool has_parts = false;
template <class... T>
inline constexpr bool has_parts<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool has_parts<std::pair<A, B>> = true;

/// How an argument is called in files of saved tasks, part by part.
template <class T>
struct saved_argument {
  using type = saved_as<T>;
};
template <class... T>
struct saved_argument<std::tuple<T...>> {
  using type = std::tuple<saved_as<T>...>;
};

/// What one element of a range is for `F`: as it is if `F` takes it, else spread over the parameters.
template <class F, class Element>
struct spread_argument {
  using whole_argument = typename taken_as<F, Element>::type;
  static constexpr bool whole = std::is_invocable_v<F&, whole_argument&&>;
  using argument = typename std::conditional_t<whole, std::type_identity<whole_argument>,
                                               taken_apart_as<F, whole_argument>>::type;

  /// As `called_with` has it.
  static auto find_call() {
    if constexpr (!whole && is_tuple<argument>)
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return std::type_identity<called_with<F, types<std::tuple_element_t<I, argument>...>>>();
      }(std::make_index_sequence<std::tuple_size_v<argument>>());
    else
      return std::type_identity<called_with<F, types<argument>>>();
  }
  using call = typename decltype(find_call())::type;
};

/// Whether `pmap` can apply an `F` to such elements.
template <class F, class Element>
inline constexpr bool can_be_mapped = can_be_passed<typename spread_argument<F, Element>::argument> &&
                                      spread_argument<F, Element>::call::possible &&
                                      can_be_passed<typename spread_argument<F, Element>::call::result>;
template <class F, class Element>
consteval auto find_complaint_about_mapped() {
  using spread = spread_argument<F, Element>;
  if constexpr (!can_be_passed<typename spread::argument>)
    return find_complaint_about_passed<typename spread::argument>();
  else if constexpr (!spread::call::possible)
    return std::type_identity<typename spread::call::complaint>();
  else
    return find_complaint_about_passed<typename spread::call::result>();
}
template <class F, class Element>
using complaint_about_mapped = typename decltype(find_complaint_about_mapped<F, Element>())::type;

/// A call of `F` with one element of a range.
template <class F, class Element>
struct spread_call : spread_argument<F, Element> {
  using element_type = std::remove_cvref_t<Element>;
  using typename spread_argument<F, Element>::argument;
  using spread_argument<F, Element>::whole;

  static decltype(auto) call(F& fn, argument&& a) {
    if constexpr (whole)
      return std::invoke(fn, std::move(a));
    else
      return std::apply(fn, std::move(a));
  }
  using result = decltype(call(std::declval<F&>(), std::declval<argument>()));

  static void encode(output_archive& out, Element const& element) {
    if constexpr (in_parts)
      for_each_part(element, [&]<class A>(std::type_identity<A>, auto const& part) { encode_as<A>(out, part); });
    else
      encode_as<argument>(out, element);
  }
  /// Of how many bytes each argument is, if `write_plain` does for it; else 0.
  static constexpr std::size_t plain_bytes = plain_size<argument>;
  static void write(std::byte* to, Element const& element) {
    if constexpr (in_parts)
      for_each_part(element, [&]<class A>(std::type_identity<A>, auto const& part) { to = write_as<A>(to, part); });
    else
      write_as<argument>(to, element);
  }
  static void describe() { describe_once<&spread_call::run, typename saved_argument<argument>::type>(); }
  static void run(void* object, input_archive& in, output_archive& out) {
    auto a = make<argument>(in);
    call_and_save([&]() -> decltype(auto) { return call(*static_cast<F*>(object), std::move(a)); }, out);
  }

 private:
  /// Whether the element is sent part by part: then it need not be copied to become the argument.
  static constexpr bool in_parts = has_parts<element_type> && has_parts<argument>;

  template <class Use>
  static void for_each_part(Element const& element, Use use) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (use(std::type_identity<std::remove_cv_t<std::tuple_element_t<I, argument>>>(), std::get<I>(element)), ...);
    }(std::make_index_sequence<std::tuple_size_v<argument>>());
  }

  /// In the form in which an `A` is read.
  template <class A, class T>
  static void encode_as(output_archive& out, T const& value) {
    if constexpr (std::is_same_v<A, T> || (is_in_place<A> && is_in_place<T>))
      save_to_make<T>(out, value);  // what is shared stays where it is
    else if constexpr (is_in_place<A>)
      out.save_range(std::ranges::data(value), std::ranges::size(value), sizeof(typename A::value_type));
    else
      save_to_make<A>(out, A(value));
  }
  template <class A, class T>
  static std::byte* write_as(std::byte* to, T const& value) {
    if constexpr (std::is_same_v<A, T>)
      return write_plain(to, value);
    else
      return write_plain(to, A(value));
  }
};

}  // namespace procx::inline v1::detail
