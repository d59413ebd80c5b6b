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
namespace procx::inline v1::detail {

template <class A, class B>
struct codec<std::pair<A, B>> {
  using pair = std::pair<A, B>;
  static void save(output_archive& out, pair const& value) {
    save_to_make<std::remove_const_t<A>>(out, value.first);
    save_to_make<std::remove_const_t<B>>(out, value.second);
  }
  static void load(input_archive& in, pair& value) {
    value.first = detail::make<A>(in);
    value.second = detail::make<B>(in);
  }
  static pair make(input_archive& in) {
    return {detail::make<std::remove_const_t<A>>(in), detail::make<std::remove_const_t<B>>(in)};
  }
};

template <class... T>
struct codec<std::tuple<T...>> {
  using tuple = std::tuple<T...>;
  static void save(output_archive& out, tuple const& value) {
    std::apply([&](T const&... element) { (save_to_make<std::remove_const_t<T>>(out, element), ...); }, value);
  }
  static void load(input_archive& in, tuple& value) { value = make(in); }
  static tuple make(input_archive& in) {
    (void)in;
    return tuple{detail::make<std::remove_const_t<T>>(in)...};  // braces: from left to right
  }
};

template <class T>
struct codec<std::optional<T>> {
  static void save(output_archive& out, std::optional<T> const& value) {
    codec<bool>::save(out, value.has_value());
    if (value) save_to_make(out, *value);
  }
  static void load(input_archive& in, std::optional<T>& value) {
    bool there = false;
    codec<bool>::load(in, there);
    if (there)
      value.emplace(detail::make<T>(in));
    else
      value.reset();
  }
};

template <class... T>
struct codec<std::variant<T...>> {
  using variant = std::variant<T...>;
  static void save(output_archive& out, variant const& value) {
    auto const index = static_cast<std::uint32_t>(value.index());
    out.save_binary(&index, sizeof index);
    std::visit([&](auto const& held) { save_to_make(out, held); }, value);
  }
  static void load(input_archive& in, variant& value) { value = make(in); }
  static variant make(input_archive& in) {
    std::uint32_t index = 0;
    in.load_binary(&index, sizeof index);
    if (index >= sizeof...(T)) throw_bad_bytes("a variant holds none of its types");
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      using maker = variant (*)(input_archive&);
      static constexpr maker makers[] = {
          [](input_archive& from) { return variant(std::in_place_index<I>, detail::make<T>(from)); }...};
      return makers[index](in);
    }(std::index_sequence_for<T...>());
  }
};

/// What a smart pointer points to, once for each pointer: sharing is not kept, that takes the full archive.
template <class Pointer>
struct pointee_codec {
  using T = typename Pointer::element_type;
  static void save(output_archive& out, Pointer const& value) {
    check_type();
    nesting const deeper(out.depth());
    codec<bool>::save(out, value != nullptr);
    if (value) save_to_make<std::remove_const_t<T>>(out, *value);
  }
  static void load(input_archive& in, Pointer& value) {
    nesting const deeper(in.depth());
    bool there = false;
    codec<bool>::load(in, there);
    if (there)
      value = Pointer(new T(detail::make<std::remove_const_t<T>>(in)));
    else
      value = nullptr;
  }

 private:
  /// Not before it is used: one may ask whether there is a codec.
  static void check_type() {
    static_assert(!std::is_polymorphic_v<T> || std::is_final_v<T>,
                  "procx: what derives from the class is lost on the way; ask for Boost's archive by "
                  "PROCX_FULL_ARCHIVE of the pointer");
  }
};
template <class T>
  requires(!std::is_array_v<T>)
struct codec<std::unique_ptr<T>> : pointee_codec<std::unique_ptr<T>> {};
template <class T>
  requires(!std::is_array_v<T>)
struct codec<std::shared_ptr<T>> : pointee_codec<std::shared_ptr<T>> {};

}  // namespace procx::inline v1::detail
