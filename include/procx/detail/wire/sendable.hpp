#pragma once

#include <procx/wire/kinds.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <ranges>
#include <source_location>
#include <thread>
#include <type_traits>
#include <typeindex>

// Whether a type can be sent, found out before any of it is: with the innermost type that cannot, and why.
namespace procx::inline v1::detail {

/// Why a type cannot be sent.
enum class refusal {
  none,
  pointer,         ///< it only points at what it means
  view,            ///< so does a class of which no pointer is seen: a view, an iterator
  function,        ///< it holds a function of which nothing is known
  no_codec,        ///< a class whose members cannot be seen
  stays,           ///< one that can be neither copied nor moved
  base_class,      ///< an aggregate with a base class
  member_count,    ///< an aggregate of more members than can be counted
  bit_field,       ///< an aggregate with a member that has no address
  not_made,        ///< an aggregate that must be made of its members, of which one is an array
  array_pointer,   ///< a smart pointer to an array, which does not know how long that is
  polymorphic,     ///< a pointer to a class from which others derive
  not_portable,    ///< of a size or meaning that differs between platforms
};

/// Member number `Number`, from 1, of `Of`.
template <std::size_t Number, class Of>
struct member;

/// `Why` is said of `Type`, which is found by way of the members `Where`, the outermost first.
template <refusal Why, class Type = void, class... Where>
struct problem {
  static constexpr refusal why = Why;
};
using no_problem = problem<refusal::none>;

template <class Problem, class... Outer>
struct found_in;
template <refusal Why, class Type, class... Where, class... Outer>
struct found_in<problem<Why, Type, Where...>, Outer...> {
  using type = problem<Why, Type, Outer..., Where...>;
};

/// The types of which a value of a type with a codec is made; none for a codec that does not say so.
template <class T>
struct parts_of {
  using type = type_list<>;
};
template <class T>
  requires requires { typename codec<T>::parts; }
struct parts_of<T> {
  using type = typename codec<T>::parts;
};

template <class T>
inline constexpr refusal refusal_of_codec = refusal::none;
template <class T>
  requires requires { codec<T>::why_not; }
inline constexpr refusal refusal_of_codec<T> = codec<T>::why_not;

template <wire_form Form, class T, class Outer>
struct problem_of;

/// The first problem of a list of types.
template <wire_form Form, class Types, class Outer>
struct problem_of_parts {
  using type = no_problem;
};
template <wire_form Form, class T, class... More, class Outer>
struct problem_of_parts<Form, type_list<T, More...>, Outer> {
  using first = typename problem_of<Form, std::remove_cv_t<T>, Outer>::type;
  using type = typename std::conditional_t<std::is_same_v<first, no_problem>,
                                           problem_of_parts<Form, type_list<More...>, Outer>, std::type_identity<first>>::type;
};
template <wire_form Form, class T, class Members, class Outer, std::size_t Number = 1>
struct problem_of_members {
  using type = no_problem;
};
template <wire_form Form, class T, class M, class... More, class Outer, std::size_t Number>
struct problem_of_members<Form, T, type_list<M, More...>, Outer, Number> {
  using first = typename problem_of<Form, std::remove_cv_t<M>, Outer>::type;
  using type = typename std::conditional_t<std::is_same_v<first, no_problem>,
                                           problem_of_members<Form, T, type_list<More...>, Outer, Number + 1>,
                                           found_in<first, member<Number, T>>>::type;
};

/// Holds something that can be called; nobody sees what.
template <class T>
inline constexpr bool is_function_holder = false;
template <class R, class... A>
inline constexpr bool is_function_holder<std::function<R(A...)>> = true;

/// Classes that mean something else than they hold, in this process only.
template <class T>
inline constexpr bool is_borrower = std::ranges::enable_borrowed_range<T> || std::is_same_v<T, std::type_index> ||
                                    std::is_same_v<T, std::source_location> || std::is_same_v<T, std::thread::id>;
template <class T>
inline constexpr bool is_borrower<std::initializer_list<T>> = true;

template <class T, class... Outer>
inline constexpr bool is_one_of = (std::is_same_v<T, Outer> || ...);

template <class Types>
inline constexpr bool any_array = false;
template <class... T>
inline constexpr bool any_array<type_list<T...>> = (std::is_array_v<T> || ...);

/// Why the members of an aggregate cannot be sent one by one, whatever they are.
template <class T>
consteval refusal refusal_of_members() {
  if constexpr (has_bit_fields<T>)
    return refusal::bit_field;
  else if constexpr (!shows_members<T>)
    return refusal::member_count;
  else
    return any_array<members_of<T>> && !std::is_default_constructible_v<T> ? refusal::not_made : refusal::none;
}
/// Why a class of which nothing is known cannot be sent.
template <class T>
consteval refusal refusal_of_class() {
  if constexpr (is_function_holder<T>)
    return refusal::function;
  else if constexpr (std::input_or_output_iterator<T> || std::ranges::view<T> || is_borrower<T>)
    return refusal::view;
  else if constexpr (!std::is_move_constructible_v<T>)
    return refusal::stays;
  else
    return std::is_aggregate_v<T> && has_base<T> ? refusal::base_class : refusal::no_codec;
}

template <wire_form Form, class T, class... Outer>
consteval auto find_problem() {
  constexpr bool portable = Form == wire_form::portable;
  constexpr value_kind kind = kind_of<T>;
  if constexpr (is_one_of<T, Outer...>)
    return std::type_identity<no_problem>();  // a class that contains itself: it is being asked about
  else if constexpr (only_points<T>)
    return std::type_identity<problem<std::is_class_v<T> ? refusal::view : refusal::pointer, T>>();
  else if constexpr (portable && (kind == value_kind::full_archive || kind == value_kind::bytes ||
                                  std::is_same_v<T, long double> || std::is_same_v<T, wchar_t>))
    return std::type_identity<problem<refusal::not_portable, T>>();
  else if constexpr (kind == value_kind::codec && refusal_of_codec<T> != refusal::none)
    return std::type_identity<problem<refusal_of_codec<T>, T>>();
  else if constexpr (kind == value_kind::codec)
    return problem_of_parts<Form, typename parts_of<T>::type, type_list<T, Outer...>>();
  else if constexpr (kind == value_kind::range)
    return problem_of_parts<Form, type_list<typename T::value_type>, type_list<T, Outer...>>();
  else if constexpr (kind == value_kind::members) {
    if constexpr (constexpr refusal why = refusal_of_members<T>(); why != refusal::none)
      return std::type_identity<problem<why, T>>();
    else
      return problem_of_members<Form, T, members_of<T>, type_list<T, Outer...>>();
  } else if constexpr (kind == value_kind::refused) {
    if constexpr (std::is_class_v<T>)
      return std::type_identity<problem<refusal_of_class<T>(), T>>();
    else
      return std::type_identity<problem<refusal::no_codec, T>>();
  } else
    return std::type_identity<no_problem>();
}
template <wire_form Form, class T, class... Outer>
struct problem_of<Form, T, type_list<Outer...>> {
  using type = typename decltype(find_problem<Form, T, Outer...>())::type;
};

/// Returns true if values of `T` can become bytes; asked where a value that cannot is inherited by a forked process instead.
template <class T, wire_form Form = wire_form::native>
inline constexpr bool is_encodable = std::is_same_v<typename problem_of<Form, T, type_list<>>::type, no_problem>;

}  // namespace procx::inline v1::detail

#include <procx/detail/wire/refusals.hpp>
