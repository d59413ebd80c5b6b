#pragma once

#include <procx/wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

// What is made of other values: pairs, tuples, values that may be there or be one of several, smart pointers.
namespace procx::inline v1 {

template <class A, class B>
struct codec<std::pair<A, B>> {
  using pair = std::pair<A, B>;
  using parts = detail::type_list<A, B>;
  static constexpr auto tag = detail::shape::pair;
  template <class Archive>
  static void save(Archive& out, pair const& value) {
    detail::save_to_make<std::remove_const_t<A>>(out, value.first);
    detail::save_to_make<std::remove_const_t<B>>(out, value.second);
  }
  /// Boost's headers read pairs of a const key where they lie.
  template <class Archive>
  static void load(Archive& in, pair& value) {
    detail::load_made(in, const_cast<std::remove_const_t<A>&>(value.first));
    detail::load_made(in, const_cast<std::remove_const_t<B>&>(value.second));
  }
  template <class Archive>
  static pair make(Archive& in) {
    return {detail::make<std::remove_const_t<A>>(in), detail::make<std::remove_const_t<B>>(in)};
  }
};

template <class... T>
struct codec<std::tuple<T...>> {
  using tuple = std::tuple<T...>;
  using parts = detail::type_list<T...>;
  static constexpr auto tag = detail::shape::tuple;
  template <class Archive>
  static void save(Archive& out, tuple const& value) {
    std::apply([&](T const&... element) { (detail::save_to_make<std::remove_const_t<T>>(out, element), ...); }, value);
  }
  template <class Archive>
  static void load(Archive& in, tuple& value) {
    std::apply([&](T&... element) { (detail::load_made(in, const_cast<std::remove_const_t<T>&>(element)), ...); }, value);
  }
  template <class Archive>
  static tuple make(Archive& in) {
    (void)in;
    return tuple{detail::make<std::remove_const_t<T>>(in)...};  // braces: from left to right
  }
};

template <class T>
struct codec<std::optional<T>> {
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::optional;
  template <class Archive>
  static void save(Archive& out, std::optional<T> const& value) {
    codec<bool>::save(out, value.has_value());
    if (value) detail::save_to_make<std::remove_const_t<T>>(out, *value);
  }
  template <class Archive>
  static void load(Archive& in, std::optional<T>& value) {
    bool there = false;
    codec<bool>::load(in, there);
    if (there)
      value.emplace(detail::make<std::remove_const_t<T>>(in));
    else
      value.reset();
  }
};

template <class... T>
struct codec<std::variant<T...>> {
  using variant = std::variant<T...>;
  using parts = detail::type_list<T...>;
  static constexpr auto tag = detail::shape::variant;
  template <class Archive>
  static void save(Archive& out, variant const& value) {
    auto const index = static_cast<std::uint32_t>(value.index());
    out.save_number(index);
    std::visit([&](auto const& held) { detail::save_to_make<std::remove_cvref_t<decltype(held)>>(out, held); }, value);
  }
  template <class Archive>
  static variant make(Archive& in) {
    auto const index = in.template load_number<std::uint32_t>();
    if (index >= sizeof...(T)) detail::throw_bad_bytes("a variant holds none of its types");
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      using maker = variant (*)(Archive&);
      static constexpr maker makers[] = {
          [](Archive& from) { return variant(std::in_place_index<I>, detail::make<std::remove_const_t<T>>(from)); }...};
      return makers[index](in);
    }(std::index_sequence_for<T...>());
  }
};

namespace detail {

/// What a smart pointer points to, once for each pointer: sharing is not kept, that takes the full archive.
template <class Pointer>
struct pointee_codec {
  using T = typename Pointer::element_type;
  using parts = type_list<T>;
  static constexpr auto tag = shape::pointer;
  static constexpr refusal why_not = std::is_polymorphic_v<T> && !std::is_final_v<T> ? refusal::polymorphic : refusal::none;
  template <class Archive>
  static void save(Archive& out, Pointer const& value) {
    out.floor().check();
    codec<bool>::save(out, value != nullptr);
    if (value) save_to_make<std::remove_const_t<T>>(out, *value);
  }
  template <class Archive>
  static void load(Archive& in, Pointer& value) {
    in.floor().check();
    bool there = false;
    codec<bool>::load(in, there);
    if (there)
      value = Pointer(new T(detail::make<std::remove_const_t<T>>(in)));
    else
      value = nullptr;
  }
};
template <class Pointer>
struct array_pointer_codec {
  static constexpr refusal why_not = refusal::array_pointer;
  static void save(output_archive&, Pointer const&);
};

}  // namespace detail

template <class T>
struct codec<std::unique_ptr<T>> : std::conditional_t<std::is_array_v<T>, detail::array_pointer_codec<std::unique_ptr<T>>,
                                                      detail::pointee_codec<std::unique_ptr<T>>> {};
template <class T>
struct codec<std::shared_ptr<T>> : std::conditional_t<std::is_array_v<T>, detail::array_pointer_codec<std::shared_ptr<T>>,
                                                      detail::pointee_codec<std::shared_ptr<T>>> {};

}  // namespace procx::inline v1
