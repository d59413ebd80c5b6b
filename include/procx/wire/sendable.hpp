#pragma once

#include <procx/wire/kinds.hpp>

#include <cstddef>
#include <type_traits>

// Whether a type can be sent, found out before any of it is: with the innermost type that cannot, and why.
namespace procx::inline v1::detail {

/// Why a type cannot be sent.
enum class refusal {
  none,
  pointer,         ///< it only points at what it means
  no_codec,        ///< a class whose members cannot be seen
  base_class,      ///< an aggregate with a base class
  member_count,    ///< an aggregate of more members than can be counted
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

template <class T, class... Outer>
inline constexpr bool is_one_of = (std::is_same_v<T, Outer> || ...);

template <wire_form Form, class T, class... Outer>
consteval auto find_problem() {
  constexpr bool portable = Form == wire_form::portable;
  constexpr value_kind kind = kind_of<T>;
  if constexpr (is_one_of<T, Outer...>)
    return std::type_identity<no_problem>();  // a class that contains itself: it is being asked about
  else if constexpr (only_points<T>)
    return std::type_identity<problem<refusal::pointer, T>>();
  else if constexpr (portable && (kind == value_kind::full_archive || kind == value_kind::bytes ||
                                  std::is_same_v<T, long double> || std::is_same_v<T, wchar_t>))
    return std::type_identity<problem<refusal::not_portable, T>>();
  else if constexpr (kind == value_kind::codec && refusal_of_codec<T> != refusal::none)
    return std::type_identity<problem<refusal_of_codec<T>, T>>();
  else if constexpr (kind == value_kind::codec)
    return problem_of_parts<Form, typename parts_of<T>::type, type_list<T, Outer...>>();
  else if constexpr (kind == value_kind::range)
    return problem_of_parts<Form, type_list<typename T::value_type>, type_list<T, Outer...>>();
  else if constexpr (kind == value_kind::members && !can_be_counted<T>)
    return std::type_identity<problem<refusal::member_count, T>>();
  else if constexpr (kind == value_kind::members)
    return problem_of_members<Form, T, members_of<T>, type_list<T, Outer...>>();
  else if constexpr (kind == value_kind::refused && std::is_class_v<T> && std::is_aggregate_v<T>)
    return std::type_identity<problem<refusal::base_class, T>>();
  else if constexpr (kind == value_kind::refused)
    return std::type_identity<problem<refusal::no_codec, T>>();
  else
    return std::type_identity<no_problem>();
}
template <wire_form Form, class T, class... Outer>
struct problem_of<Form, T, type_list<Outer...>> {
  using type = typename decltype(find_problem<Form, T, Outer...>())::type;
};

/// Returns true if values of `T` can become bytes; asked where a value that cannot is inherited by a forked process instead.
template <class T, wire_form Form = wire_form::native>
inline constexpr bool is_encodable = std::is_same_v<typename problem_of<Form, T, type_list<>>::type, no_problem>;

/// What the compiler says: `T` is what was to be sent, `Problem` what is wrong with which member of it.
template <class T, class Problem>
struct cannot_be_sent {
  static_assert(Problem::why != refusal::pointer,
                "procx: a pointer, reference, view or iterator means nothing in another process; send what it points to "
                "(std::string, std::vector, std::unique_ptr)");
  static_assert(Problem::why != refusal::no_codec,
                "procx: this class cannot be sent, since its members cannot be seen; add to it: template <class A> void "
                "serialize(A& a, unsigned) { a & first_member & second_member; }");
  static_assert(Problem::why != refusal::base_class,
                "procx: this struct has a base class, so that its members cannot be seen; add to it: template <class A> "
                "void serialize(A& a, unsigned) { a & static_cast<base&>(*this) & first_member; }");
  static_assert(Problem::why != refusal::member_count,
                "procx: this struct has more members than can be counted (100), or one of a kind that cannot; add to it: "
                "template <class A> void serialize(A& a, unsigned) { a & first_member & second_member; }");
  static_assert(Problem::why != refusal::array_pointer,
                "procx: a smart pointer to an array does not know how long that is; send a std::vector");
  static_assert(Problem::why != refusal::polymorphic,
                "procx: what derives from the class is lost on the way; ask for Boost's archive by PROCX_FULL_ARCHIVE of "
                "the pointer");
  static_assert(Problem::why != refusal::not_portable,
                "procx: this type has no portable form (long double, wchar_t, unions and classes sent as bytes have other "
                "bytes on other machines); use a type of fixed width, or serialize() with such types");
};

/// Ends the compilation with a sentence if `T` cannot be sent, and returns false then, so that nothing else is said.
template <class T, wire_form Form = wire_form::native>
consteval bool require_sendable() {
  if constexpr (is_encodable<T, Form>) {
    return true;
  } else {
    (void)sizeof(cannot_be_sent<T, typename problem_of<Form, T, type_list<>>::type>);
    return false;
  }
}

}  // namespace procx::inline v1::detail
