#pragma once

#include <procx/wire/buffer.hpp>
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

/// How many bytes such a value, or a pair or tuple of some, takes; 0 for other types.
template <class T>
inline constexpr std::size_t plain_size = is_plain<T> ? sizeof(T) : 0;
template <class... T>
inline constexpr std::size_t plain_size<std::tuple<T...>> =
    ((plain_size<T> > 0) && ...) ? (std::size_t{0} + ... + plain_size<T>) : 0;
template <class A, class B>
inline constexpr std::size_t plain_size<std::pair<A, B>> = plain_size<std::tuple<A, B>>;

/// Writes one of those; what is behind it.
template <class T>
std::byte* write_plain(std::byte* to, T const& value) noexcept {
  if constexpr (is_plain<T>) {
    copy_words<sizeof(T)>(to, reinterpret_cast<std::byte const*>(&value));
    return to + sizeof(T);
  } else {
    std::apply([&to](auto const&... part) { ((to = write_plain(to, part)), ...); }, value);
    return to;
  }
}

}  // namespace procx::inline v1::detail
