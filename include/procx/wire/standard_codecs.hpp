#pragma once

#include <procx/wire/codec.hpp>

#include <array>
#include <bitset>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

// The standard library's containers and strings. What is contiguous in memory is one copy; what could be checked on the way in is.
namespace procx::inline v1::detail {

template <>
struct codec<bool> {
  static void save(output_archive& out, bool value) {
    auto const byte = static_cast<unsigned char>(value);
    out.save_binary(&byte, 1);
  }
  static void load(input_archive& in, bool& value) {
    auto const byte = std::to_integer<unsigned char>(*in.take(1));
    if (byte > 1) throw_bad_bytes("a bool is neither true nor false");
    value = byte != 0;
  }
};

/// Elements one by one. If they take less than a byte each they are padded, so that a count is never larger than the
/// bytes behind it.
template <class Range>
void save_elements(output_archive& out, Range const& range, std::size_t count) {
  nesting const deeper(out.depth());
  out.save_count(count);
  std::size_t const start = out.written();
  for (auto const& element : range) save_to_make<typename Range::value_type>(out, element);
  for (std::size_t n = out.written() - start; n < count; ++n) out.save_binary("", 1);
}

template <class T, class Insert>
void load_elements(input_archive& in, std::size_t count, Insert insert) {
  nesting const deeper(in.depth());
  std::size_t const before = in.left();
  for (std::size_t i = 0; i < count; ++i) insert(make<T>(in));
  std::size_t const read = before - in.left();
  if (read < count) in.take(count - read);
}

template <class C, class Traits, class Alloc>
struct codec<std::basic_string<C, Traits, Alloc>> {
  using string = std::basic_string<C, Traits, Alloc>;
  static void save(output_archive& out, string const& value) {
    out.save_range(value.data(), value.size(), sizeof(C));
  }
  static void load(input_archive& in, string& value) {
    auto const [from, count, block] = in.load_range(sizeof(C));
    value.resize(count);
    if (count) std::memcpy(value.data(), from, count * sizeof(C));
  }
};

template <class T, class Alloc>
struct codec<std::vector<T, Alloc>> {
  using vector = std::vector<T, Alloc>;
  static void save(output_archive& out, vector const& value) {
    if constexpr (is_bitwise<T>) {
      out.save_range(value.data(), value.size(), sizeof(T));
    } else {
      save_elements(out, value, value.size());
    }
  }
  static void load(input_archive& in, vector& value) {
    if constexpr (is_bitwise<T>) {
      auto const [from, count, block] = in.load_range(sizeof(T));
      if (reinterpret_cast<std::uintptr_t>(from) % alignof(T) == 0) {
        auto const* const first = reinterpret_cast<T const*>(from);
        value.assign(first, first + count);  // one pass, where resize() and memcpy would be two
      } else if constexpr (std::is_default_constructible_v<T>) {
        value.resize(count);
        if (count) std::memcpy(static_cast<void*>(value.data()), from, count * sizeof(T));
      } else {
        value.clear();
        value.reserve(count);
        input_archive elements({from, count * sizeof(T)});
        for (std::size_t i = 0; i < count; ++i) value.push_back(make<T>(elements));
      }
    } else {
      std::size_t const count = in.load_count();
      value.clear();
      if constexpr (sizeof(T) <= 64) value.reserve(count / 8);  // a count is only as good as its sender: grow with what comes
      load_elements<T>(in, count, [&](T&& element) { value.push_back(std::move(element)); });
    }
  }
};

template <class T, std::size_t N>
struct codec<std::array<T, N>> {
  using array = std::array<T, N>;
  static void save(output_archive& out, array const& value) {
    if constexpr (is_bitwise<T>)
      out.save_binary(value.data(), sizeof(T) * N);
    else
      for (T const& element : value) save_to_make(out, element);
  }
  static void load(input_archive& in, array& value) {
    if constexpr (is_bitwise<T>)
      in.load_binary(value.data(), sizeof(T) * N);
    else
      for (T& element : value) element = detail::make<T>(in);
  }
  static array make(input_archive& in) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return array{((void)I, detail::make<T>(in))...};
    }(std::make_index_sequence<N>());
  }
};

template <class T, std::size_t N>
struct codec<T[N]> {
  static void save(output_archive& out, T const (&value)[N]) {
    if constexpr (is_bitwise<T>)
      out.save_binary(value, sizeof value);
    else
      for (T const& element : value) out << element;
  }
  static void load(input_archive& in, T (&value)[N]) {
    if constexpr (is_bitwise<T>)
      in.load_binary(value, sizeof value);
    else
      for (T& element : value) in >> element;
  }
};

template <std::size_t N>
struct codec<std::bitset<N>> {
  static void save(output_archive& out, std::bitset<N> const& value) { out.save_binary(&value, sizeof value); }
  static void load(input_archive& in, std::bitset<N>& value) {
    std::bitset<N> bits;
    in.load_binary(&bits, sizeof bits);
    if ((bits & ~std::bitset<N>()) != bits) throw_bad_bytes("a bitset has more bits than it holds");
    value = bits;
  }
};

/// Paths, known by their interface: the header costs as much as all of procx.
template <class T>
concept path_like = requires(T const& path) {
  typename T::string_type;
  { path.native() } -> std::same_as<typename T::string_type const&>;
  path.parent_path();
};
template <path_like T>
struct codec<T> {
  static void save(output_archive& out, T const& value) { codec<typename T::string_type>::save(out, value.native()); }
  static void load(input_archive& in, T& value) {
    value = T(detail::make<typename T::string_type>(in));
  }
};

/// What a template makes of types, as the standard containers are. A class of the user's own that derives from one may have a
/// function to serialize it; Boost's headers have some for all standard containers, which makes no difference here.
template <class T>
inline constexpr bool is_made_of_types = false;
template <template <class...> class C, class... T>
inline constexpr bool is_made_of_types<C<T...>> = true;

/// Sets, maps, lists, deques and what else has their interface, in whatever library.
template <class T>
concept container = !path_like<T> && !shows_serialize<T> && !boost_protocol::has_private_serialize<T> &&
                    (is_made_of_types<T> || !boost_protocol::has_free_serialize<T>) &&
                    requires(T& c, T const& cc, typename T::value_type&& v) {
                      c.clear();
                      cc.begin() == cc.end();
                      requires requires { c.push_back(std::move(v)); } || requires { c.insert(c.end(), std::move(v)); };
                    };

/// The element of a container as it is on the way: a map's key is const only once it is in.
template <class T>
struct loose {
  using type = T;
};
template <class K, class V>
struct loose<std::pair<K const, V>> {
  using type = std::pair<K, V>;
};

template <container T>
struct codec<T> {
  static void save(output_archive& out, T const& value) {
    save_elements(out, value, static_cast<std::size_t>(std::distance(value.begin(), value.end())));
  }
  static void load(input_archive& in, T& value) {
    using element = typename loose<typename T::value_type>::type;
    value.clear();
    std::size_t const count = in.load_count();
    load_elements<element>(in, count, [&](element&& e) {
      if constexpr (requires { value.push_back(std::move(e)); })
        value.push_back(std::move(e));
      else
        value.insert(value.end(), std::move(e));
    });
  }
};

}  // namespace procx::inline v1::detail

#include <procx/wire/composite_codecs.hpp>
