#pragma once

#include <procx/detail/dispatch/arrival.hpp>

#include <boost/container_hash/hash.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace procx::inline v1 {
namespace detail {

template <class T>
std::uint64_t key_hash(T const& key) {
  std::uint64_t hash = 0;
  if constexpr (std::convertible_to<T const&, std::string_view>)
    hash = std::hash<std::string_view>{}(key);
  else if constexpr (requires { std::hash<T>{}(key); })
    hash = std::hash<T>{}(key);
  else
    hash = boost::hash<T>{}(key);
  return hash * 0x9E37'79B9'7F4A'7C15u;  // hashes of integers are the integers: Fibonacci hashing (Knuth) spreads them
}

}  // namespace detail

/// Which items of a stage must keep their order among each other: those for which a function gives equal results. Made of that
/// function, which has one signature, or of a pointer to a member. The result must have a hash, by std::hash or boost::hash.
/// What the function throws, the item fails with that it was called for. It is called where the item is made: in a process of the
/// stage before, or by `feed`.
/// \code
/// .add_task(book, {.workers = 4, .key = &order::customer})
/// .add_task(book, {.workers = 4, .key = [](order const& o) { return std::pair(o.customer, o.currency); }})
/// \endcode
class stage_key {
 public:
  stage_key() = default;
  template <class F>
    requires(!std::same_as<F, stage_key>) && requires { typename detail::parameters_of<F>::type; }
  stage_key(F of) : hash_(made_of(std::move(of), typename detail::parameters_of<F>::type{})) {}
  template <class T, class C>
    requires(!std::is_function_v<T>)
  stage_key(T C::*member) : stage_key([member](C const& item) { return item.*member; }) {}

  explicit operator bool() const noexcept { return static_cast<bool>(hash_); }
  /// Whether items of this type have such a key.
  bool fits(std::type_info const& type) const { return hash_(type, nullptr).has_value(); }
  /// A hash of the item's key, if it has one.
  std::optional<std::uint64_t> of(std::type_info const& type, void const* item) const { return hash_(type, item); }

 private:
  using hash_function = std::function<std::optional<std::uint64_t>(std::type_info const&, void const*)>;

  template <class T, class F>
  static std::optional<std::uint64_t> hash_of(F& of, void const* item) {
    return item ? detail::key_hash(of(*static_cast<T const*>(item))) : 0;
  }
  template <class F, class P>
  static hash_function made_of(F of, detail::types<P>) {
    using item_type = std::remove_cvref_t<P>;
    return [of = std::move(of)](std::type_info const& type, void const* item) mutable -> std::optional<std::uint64_t> {
      if (type != typeid(item_type)) return std::nullopt;
      return hash_of<item_type>(of, item);
    };
  }
  /// Of an item that is spread over several parameters.
  template <class F, class... P>
    requires(sizeof...(P) > 1)
  static hash_function made_of(F of, detail::types<P...>) {
    auto spread = [of = std::move(of)](auto const& item) mutable { return std::apply(of, item); };
    return [spread = std::move(spread)](std::type_info const& type, void const* item) mutable -> std::optional<std::uint64_t> {
      if (type == typeid(std::tuple<std::remove_cvref_t<P>...>))
        return hash_of<std::tuple<std::remove_cvref_t<P>...>>(spread, item);
      if constexpr (sizeof...(P) == 2)
        if (type == typeid(std::pair<std::remove_cvref_t<P>...>))
          return hash_of<std::pair<std::remove_cvref_t<P>...>>(spread, item);
      return std::nullopt;
    };
  }

  hash_function hash_;
};

}  // namespace procx::inline v1
