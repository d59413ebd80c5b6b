#pragma once

#include <ranges>
#include <type_traits>

namespace procx::inline v1::detail {

/// What may have to happen before a range gives its next element.
enum class supply {
  at_hand,         ///< nothing: the elements lie in a container, or are counted
  computed,        ///< some function is called
  from_elsewhere,  ///< anything: the range can be gone through only once, as a file can
};

template <class V>
inline constexpr bool is_at_hand = std::ranges::contiguous_range<V>;
template <class T, class Bound>
inline constexpr bool is_at_hand<std::ranges::iota_view<T, Bound>> = std::is_arithmetic_v<T>;
template <class R>
inline constexpr bool is_at_hand<std::ranges::ref_view<R>> =
    std::ranges::forward_range<R> && std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;
template <class R>
inline constexpr bool is_at_hand<std::ranges::owning_view<R>> = is_at_hand<std::ranges::ref_view<R>>;
template <class V>
inline constexpr bool is_at_hand<std::ranges::take_view<V>> = is_at_hand<V>;
template <class V>
inline constexpr bool is_at_hand<std::ranges::drop_view<V>> = is_at_hand<V>;
template <class V>
inline constexpr bool is_at_hand<std::ranges::reverse_view<V>> = is_at_hand<V>;

template <class V>
inline constexpr supply supply_of = is_at_hand<V>                 ? supply::at_hand
                                    : std::ranges::forward_range<V> ? supply::computed
                                                                    : supply::from_elsewhere;

}  // namespace procx::inline v1::detail
