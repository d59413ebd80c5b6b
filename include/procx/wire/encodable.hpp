#pragma once

#include <procx/wire/codec.hpp>
#include <procx/wire/composite_codecs.hpp>
#include <procx/wire/standard_codecs.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace procx::inline v1::detail {

template <class T>
struct encodable_parts;

/// Whether values of `T` can become bytes, as far as can be told without trying: asked where what cannot is inherited by a
/// forked process instead. Everywhere else it is an error of the compiler's.
template <class T>
inline constexpr bool is_encodable =
    is_bitwise<T> || needs_full_archive<T>::value || has_serialize<T> || (has_codec<T> && encodable_parts<T>::value);

template <class T>
struct encodable_parts : std::true_type {};
template <class T>
  requires container<T>
struct encodable_parts<T> : std::bool_constant<is_encodable<typename loose<typename T::value_type>::type>> {};
template <class T, class Allocator>
struct encodable_parts<std::vector<T, Allocator>> : std::bool_constant<is_encodable<T>> {};
template <class T, std::size_t N>
struct encodable_parts<std::array<T, N>> : std::bool_constant<is_encodable<T>> {};
template <class... T>
struct encodable_parts<std::tuple<T...>> : std::bool_constant<(is_encodable<std::remove_cv_t<T>> && ...)> {};
template <class A, class B>
struct encodable_parts<std::pair<A, B>> : encodable_parts<std::tuple<A, B>> {};
template <class T>
struct encodable_parts<std::optional<T>> : std::bool_constant<is_encodable<T>> {};
template <class... T>
struct encodable_parts<std::variant<T...>> : std::bool_constant<(is_encodable<T> && ...)> {};
template <class T>
inline constexpr bool is_encodable_pointee = (!std::is_polymorphic_v<T> || std::is_final_v<T>) && is_encodable<std::remove_cv_t<T>>;
template <class T>
struct encodable_parts<std::unique_ptr<T>> : std::bool_constant<is_encodable_pointee<T>> {};
template <class T>
struct encodable_parts<std::shared_ptr<T>> : std::bool_constant<is_encodable_pointee<T>> {};

}  // namespace procx::inline v1::detail
