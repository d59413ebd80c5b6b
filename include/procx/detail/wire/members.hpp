#pragma once

#include <procx/detail/wire/member_numbers.hpp>

#include <boost/pfr/detail/core17_generated.hpp>
#include <boost/pfr/detail/fields_count.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

// The members of an aggregate, one after the other, without a word of its writer. Boost.PFR takes an aggregate apart by
// structured bindings once the number of its members is known. The number is found here, since PFR's own count ends the
// compilation at an array, a base class or a member too many, where procx has something to say.
namespace procx::inline v1::detail {

/// Stands for an initializer of any type.
template <class T>
using anything_for = std::conditional_t<std::is_copy_constructible_v<T>, boost::pfr::detail::ubiq_lref_constructor,
                                        boost::pfr::detail::ubiq_rref_constructor>;

/// Stands for a base class of T.
template <class T>
struct any_base_of {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base&() const&;
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base&&() const&&;
};
/// A class that takes this as well has a first member that takes anything: then nothing is known of a base.
struct no_base {};
template <class T>
concept has_base = requires { T{any_base_of<T>{}}; } && !requires { T{no_base{}}; };

// Where a member has no default constructor, {} does not do, and objects that convert to anything are given instead. These
// stand for one element of an array each.
template <class T, class Before, class After>
struct initializers;
template <class T, std::size_t... Before, std::size_t... After>
struct initializers<T, std::index_sequence<Before...>, std::index_sequence<After...>> {
  /// Whether T{any, any, …} compiles with that many.
  static constexpr bool all_given = requires { T{anything_for<T>{Before}..., anything_for<T>{After}...}; };
  /// The same with {} in the middle, which is the initializer of one whole member, be it an array.
  static constexpr bool with_empty = requires { T{anything_for<T>{Before}..., {}, anything_for<T>{After}...}; };
  template <class More>
  static constexpr bool and_one_more = requires(More more) { T{anything_for<T>{Before}..., std::move(more)}; };
};
template <class T, std::size_t Before, std::size_t After>
using initializers_of = initializers<T, std::make_index_sequence<Before>, std::make_index_sequence<After>>;

/// The largest number between `Low`, for which Test<number> holds, and `High`, for which it does not.
template <template <std::size_t> class Test, std::size_t Low, std::size_t High>
consteval std::size_t last_between() {
  if constexpr (High - Low <= 1) {
    return Low;
  } else {
    constexpr std::size_t middle = Low + (High - Low) / 2;
    if constexpr (Test<middle>::value)
      return last_between<Test, middle, High>();
    else
      return last_between<Test, Low, middle>();
  }
}
/// The largest number from `Low` on, below `End`, for which Test holds, if it holds up to there. Doubling steps first: most
/// classes are small, and each test costs what its initializers are.
template <template <std::size_t> class Test, std::size_t Low, std::size_t End, std::size_t Step = 4>
consteval std::size_t last_from() {
  if constexpr (Low + Step >= End)
    return last_between<Test, Low, End>();
  else if constexpr (Test<Low + Step>::value)
    return last_from<Test, Low + Step, End, 2 * Step>();
  else
    return last_between<Test, Low, Low + Step>();
}

template <class T>
struct empty_test {
  template <std::size_t N>
  using takes = std::bool_constant<takes_empty<T, N>>;
};
template <class T>
struct initializer_test {
  template <std::size_t N>
  using takes = std::bool_constant<initializers_of<T, N, 0>::all_given>;
};
template <class T, std::size_t At>
struct behind_test {
  template <std::size_t N>
  using takes = std::bool_constant<initializers_of<T, At, N>::with_empty>;
};

template <class T, std::size_t N = 0>
consteval std::size_t fewest_initializers() {
  if constexpr (initializer_test<T>::template takes<N>::value || N > most_members)
    return N;
  else
    return fewest_initializers<T, N + 1>();
}

/// An array of more elements can be counted only where {} does for each member.
inline constexpr std::size_t most_initializers = 1000;

/// How many initializers T takes, an array being as many as its elements; 0 if not even a first one, or too many.
template <class T>
consteval std::size_t count_initializers() {
  constexpr std::size_t fewest = fewest_initializers<T>();
  if constexpr (fewest > most_members)
    return 0;
  else
    return last_from<initializer_test<T>::template takes, fewest, most_initializers + 1>() % most_initializers;
}

/// How many initializers stand for the member that the one with the number `At` of `All` begins. More than one for an array:
/// {} for all of it leaves fewer for those behind it.
template <class T, std::size_t At, std::size_t All>
consteval std::size_t width_of_member() {
  constexpr std::size_t behind = All - At - 1;
  if constexpr (behind_test<T, At>::template takes<behind>::value || !behind_test<T, At>::template takes<0>::value)
    return 1;
  else
    return All - At - last_from<behind_test<T, At>::template takes, 0, behind>();
}
template <class T, std::size_t All, std::size_t At = 0>
consteval std::size_t count_members() {
  if constexpr (At >= All)
    return 0;
  else
    return 1 + count_members<T, All, At + width_of_member<T, At, All>()>();
}

/// Classes that may be taken apart, as far as the language says so.
template <class T>
inline constexpr bool is_member_wise = std::is_class_v<T> && std::is_aggregate_v<T> && !has_base<T>;

/// A member that is counted neither by {} nor by what stands for anything in this class, such as a reference in a class that
/// can only be moved.
template <class T, std::size_t Empties>
inline constexpr bool has_strange_member =
    takes_one_behind<T, Empties, boost::pfr::detail::ubiq_lref_constructor> ||
    takes_one_behind<T, Empties, boost::pfr::detail::ubiq_rref_constructor>;
template <class T, std::size_t Initializers>
inline constexpr bool has_strange_initializer =
    initializers_of<T, Initializers, 0>::template and_one_more<boost::pfr::detail::ubiq_lref_constructor> ||
    initializers_of<T, Initializers, 0>::template and_one_more<boost::pfr::detail::ubiq_rref_constructor>;
inline constexpr std::size_t cannot_be_counted = most_members + 1;

template <class T>
consteval std::size_t count_by_initializers() {
  constexpr std::size_t all = count_initializers<T>();
  if constexpr (all == 0)
    return 0;
  else if constexpr (has_strange_initializer<T, all>)
    return cannot_be_counted;
  else
    return count_members<T, all>();
}
template <class T>
consteval std::size_t find_member_count() {
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else if constexpr (takes_empty<T, 1>) {
    constexpr std::size_t empties = last_from<empty_test<T>::template takes, 1, most_members + 1>();
    if constexpr (!takes_one_behind<T, empties, anything_for<T>>)
      return has_strange_member<T, empties> ? cannot_be_counted : empties;
    else if constexpr (empties == most_members)
      return cannot_be_counted;
    else
      return count_by_initializers<T>();
  } else {
    return count_by_initializers<T>();
  }
}
template <class T>
inline constexpr std::size_t member_count = find_member_count<T>();

template <class T, std::size_t Count = member_count<T>>
struct member_types {
  using type = type_list<>;
};
template <class T, std::size_t Count>
  requires(is_member_wise<T> && Count > 0 && Count <= most_members)
struct member_types<T, Count> {
  using type = decltype(declared<Count>::members(std::declval<T&>()));
};
/// The types of all members, const where they are, and references where they are those.
template <class T>
using members_of = typename member_types<T>::type;

/// Some members have no address.
template <class T>
inline constexpr bool has_bit_fields = std::is_same_v<members_of<T>, type_list<bit_fields>>;
/// Whether the members can be told apart and referred to.
template <class T>
inline constexpr bool shows_members = members_of<T>::size > 0 && !has_bit_fields<T>;

/// Calls `use` with references to all members.
template <class T, class Use>
constexpr decltype(auto) with_members(T& value, Use use) {
  constexpr std::size_t count = member_count<std::remove_const_t<T>>;
  auto const tied = boost::pfr::detail::tie_as_tuple(value, boost::pfr::detail::size_t_<count>());
  return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
    return use(boost::pfr::detail::sequence_tuple::get<I>(tied)...);
  }(std::make_index_sequence<count>());
}

}  // namespace procx::inline v1::detail
