#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/wire/codec.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

// Values of so few bytes, known beforehand, that they are written where they go, without an archive and without asking
// whether there is room. The bytes are the same.
namespace procx::inline v1::detail {

/// Types that are copied as they lie in memory: no code of anybody's runs.
template <class T>
inline constexpr bool is_plain = is_bitwise<T> && !std::is_empty_v<T> && sizeof(T) <= 64;

/// How many bytes such a value takes, or a pair, tuple or struct of some, which may have holes; 0 for other types.
template <class T>
inline constexpr std::size_t plain_size = is_plain<T> ? sizeof(T) : 0;
template <class Types>
inline constexpr std::size_t plain_size_of_all = 0;
template <class... T>
inline constexpr std::size_t plain_size_of_all<type_list<T...>> =
    ((plain_size<std::remove_cv_t<T>> > 0) && ...) ? (std::size_t{0} + ... + plain_size<std::remove_cv_t<T>>) : 0;
template <class... T>
inline constexpr std::size_t plain_size<std::tuple<T...>> = plain_size_of_all<type_list<T...>>;
template <class A, class B>
inline constexpr std::size_t plain_size<std::pair<A, B>> = plain_size_of_all<type_list<A, B>>;
template <class T>
  requires(kind_of<T> == value_kind::members && !is_bitwise<T> && sizeof(T) <= 64 && shows_members<T>)
inline constexpr std::size_t plain_size<T> = plain_size_of_all<members_of<T>>;

/// Writes one of those; what is behind it.
template <class T>
std::byte* write_plain(std::byte* to, T const& value) noexcept {
  if constexpr (is_plain<T>) {
    copy_words<sizeof(T)>(to, reinterpret_cast<std::byte const*>(&value));
    return to + sizeof(T);
  } else if constexpr (kind_of<T> == value_kind::members) {
    with_members(value, [&to](auto const&... part) { ((to = write_plain(to, part)), ...); });
    return to;
  } else {
    std::apply([&to](auto const&... part) { ((to = write_plain(to, part)), ...); }, value);
    return to;
  }
}

}  // namespace procx::inline v1::detail
