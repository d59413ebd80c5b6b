#pragma once

#include <procx/wire/archive.hpp>
#include <procx/detail/wire/members.hpp>
#include <procx/detail/wire/serialize_detection.hpp>

#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/wrapper.hpp>

#include <bit>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>

// The rule by which values of a type are sent: docs/wire-format.md has it as a table.
namespace procx::inline v1 {

/// Whether values of `T` need Boost.Serialization's own archive: pointers to polymorphic classes, objects that are
/// pointed to from several places. Say so by `PROCX_FULL_ARCHIVE(T)` of <procx/wire/full_archive.hpp>.
template <class T>
struct needs_full_archive : std::false_type {};

/// How values of a type become bytes. Specialized for the types of the standard library and of Boost that procx knows
/// (standard_codecs.hpp, composite_codecs.hpp, container_codecs.hpp); a program may specialize it for a type of its own:
/// `save(archive, value)`, and `load(archive, value)` or `make(archive)`, as static members, templates on the archive if both
/// forms are to work. Optional members: `tag`, a number that changes whenever the bytes do, for `type_fingerprint`.
template <class T>
struct codec;

/// Set to true for a class of your own that is nothing but its elements: it is sent as a sequence of them. It needs begin()
/// and end(), clear(), and push_back() or insert(position, value). What else it holds is lost.
template <class T>
inline constexpr bool send_as_range = false;

/// Set to true for a trivially copyable class of your own whose members procx cannot see, and which holds no pointer: it is
/// sent as it lies in memory, between the processes of one program only.
template <class T>
inline constexpr bool send_as_bytes = false;

namespace detail {

template <class T>
concept has_codec =
    !needs_full_archive<T>::value && requires(output_archive& out, T const& value) { codec<T>::save(out, value); };

template <class T, class Archive = input_archive>
concept has_make = has_codec<T> && requires(Archive& in) {
  { codec<T>::make(in) } -> std::same_as<T>;
};

/// Types that only point at what they mean: their bytes mean nothing in another process.
template <class T>
inline constexpr bool only_points = std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T> || std::is_reference_v<T>;
template <class C, class Traits>
inline constexpr bool only_points<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool only_points<std::span<T, N>> = true;
template <class T>
inline constexpr bool only_points<std::reference_wrapper<T>> = true;

/// Boost.Serialization's own small numbers.
template <class T>
inline constexpr bool is_boost_number = std::is_same_v<T, boost::serialization::version_type> ||
                                        std::is_same_v<T, boost::serialization::item_version_type> ||
                                        std::is_same_v<T, boost::serialization::library_version_type> ||
                                        std::is_same_v<T, boost::serialization::collection_size_type>;

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;
template <class T>
inline constexpr bool is_number =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, int128> || std::is_same_v<T, uint128>;

enum class value_kind {
  refused,
  full_archive,
  codec,
  serialize,
  range,
  bytes,    ///< as in memory: its writer says so, or it is a union, or too small to hold an address
  members,  ///< an aggregate
  number,   ///< or an enumerator
  empty,    ///< a class without any state: one byte, 0
};

/// Classes whose members cannot be seen, but which are too small to hold an address, and have no holes.
template <class T>
inline constexpr bool cannot_point = std::is_class_v<T> && sizeof(T) < sizeof(void*) && std::is_trivially_copyable_v<T> &&
                                     std::has_unique_object_representations_v<T>;

template <class T>
consteval value_kind find_kind() {
  if constexpr (needs_full_archive<T>::value)
    return value_kind::full_archive;
  else if constexpr (only_points<T>)
    return value_kind::refused;
  else if constexpr (has_codec<T>)
    return value_kind::codec;
  else if constexpr (is_boost_number<T> || has_serialize<T> || boost::serialization::is_wrapper<T>::type::value)
    return value_kind::serialize;
  else if constexpr (send_as_range<T>)
    return value_kind::range;
  else if constexpr (send_as_bytes<T> || (std::is_union_v<T> && std::is_trivially_copyable_v<T>))
    return value_kind::bytes;
  else if constexpr (is_number<T>)
    return value_kind::number;
  else if constexpr (std::is_class_v<T> && std::is_empty_v<T> && std::is_trivially_copyable_v<T>)
    return value_kind::empty;
  else if constexpr (is_member_wise<T>)
    return value_kind::members;
  else if constexpr (cannot_point<T>)
    return value_kind::bytes;
  else
    return value_kind::refused;
}
template <class T>
inline constexpr value_kind kind_of = find_kind<T>();

/// Types whose values are copied as they lie in memory, without holes, in a form: alone and in arrays.
template <class T, wire_form Form = wire_form::native>
inline constexpr bool is_bitwise = false;

/// A bool in a struct is copied with it between the processes of one program; by itself, and from elsewhere, it is checked.
template <class T, wire_form Form>
inline constexpr bool is_bitwise_member =
    is_bitwise<T, Form> || (Form == wire_form::native && std::is_same_v<std::remove_all_extents_t<T>, bool>);
template <wire_form Form, class Types>
inline constexpr bool all_bitwise = false;
template <wire_form Form, class... T>
inline constexpr bool all_bitwise<Form, type_list<T...>> = (is_bitwise_member<std::remove_cv_t<T>, Form> && ...);
template <class Types>
inline constexpr std::size_t size_of_all = 0;
template <class... T>
inline constexpr std::size_t size_of_all<type_list<T...>> = (std::size_t{0} + ... + sizeof(T));

template <class T, wire_form Form>
consteval bool find_bitwise() {
  constexpr value_kind kind = kind_of<T>;
  constexpr bool native = Form == wire_form::native;
  if constexpr (!native && std::endian::native != std::endian::little)
    return false;
  else if constexpr (kind == value_kind::number)
    return !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
  else if constexpr (kind == value_kind::bytes)
    return native && std::has_unique_object_representations_v<T>;
  else if constexpr (kind == value_kind::members && std::is_trivially_copyable_v<T> && shows_members<T>)
    return all_bitwise<Form, members_of<T>> && size_of_all<members_of<T>> == sizeof(T);
  else
    return false;
}
template <class T, wire_form Form>
  requires(kind_of<T> == value_kind::number || kind_of<T> == value_kind::bytes || kind_of<T> == value_kind::members)
inline constexpr bool is_bitwise<T, Form> = find_bitwise<T, Form>();
template <class T, std::size_t N, wire_form Form>
inline constexpr bool is_bitwise<T[N], Form> = is_bitwise<T, Form>;

}  // namespace detail
}  // namespace procx::inline v1
