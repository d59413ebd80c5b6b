#pragma once

#include <procx/wire/codec.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Strings, vectors and arrays: what is contiguous in memory is one copy; what could be wrong on the way in is checked.
namespace procx::inline v1 {
namespace detail {

/// What the types with a codec are, for `type_fingerprint`; part of the wire format, as frame_kind is: never renumbered.
enum class shape : std::uint64_t {
  boolean = 1, text, sequence, array, bits, complex, duration, time_point, path, error_code,
  pair, tuple, optional, variant, pointer, set, map, ring,
};

/// Elements one by one. If they take less than a byte each they are padded, so that a count is never larger than the
/// bytes behind it.
template <class Archive, class Range>
void save_elements(Archive& out, Range const& range, std::size_t count) {
  out.floor().check();
  out.save_count(count);
  std::size_t const start = out.written();
  for (auto const& element : range) save_to_make<typename Range::value_type>(out, element);
  for (std::size_t n = out.written() - start; n < count; ++n) out.save_binary("", 1);
}

template <class T, class Archive, class Insert>
void load_elements(Archive& in, std::size_t count, Insert insert) {
  in.floor().check(2 * sizeof(T));  // an element is made on the stack before it is put in
  std::size_t const before = in.left();
  for (std::size_t i = 0; i < count; ++i) insert(make<T>(in));
  std::size_t const read = before - in.left();
  if (read < count) in.take(count - read);
}

template <class T, std::size_t N, wire_form Form>
inline constexpr bool is_bitwise<std::array<T, N>, Form> = N > 0 && is_bitwise<T, Form>;
}  // namespace detail

template <>
struct codec<bool> {
  static constexpr auto tag = detail::shape::boolean;
  template <class Archive>
  static void save(Archive& out, bool value) {
    auto const byte = static_cast<unsigned char>(value);
    out.save_binary(&byte, 1);
  }
  template <class Archive>
  static void load(Archive& in, bool& value) {
    auto const byte = std::to_integer<unsigned char>(*in.take(1));
    if (byte > 1) detail::throw_bad_bytes("a bool is neither true nor false");
    value = byte != 0;
  }
};

template <class C, class Traits, class Alloc>
struct codec<std::basic_string<C, Traits, Alloc>> {
  using string = std::basic_string<C, Traits, Alloc>;
  using parts = detail::type_list<C>;
  static constexpr auto tag = detail::shape::text;
  template <class Archive>
  static void save(Archive& out, string const& value) {
    if constexpr (detail::is_bitwise<C, Archive::form>)
      out.save_range(value.data(), value.size(), sizeof(C));
    else
      detail::save_elements(out, value, value.size());
  }
  template <class Archive>
  static void load(Archive& in, string& value) {
    if constexpr (detail::is_bitwise<C, Archive::form>) {
      auto const [from, count, block] = in.load_range(sizeof(C));
      value.resize(count);
      if (count) std::memcpy(value.data(), from, count * sizeof(C));
    } else {
      value.clear();
      detail::load_elements<C>(in, in.load_count(sizeof(C)), [&](C c) { value.push_back(c); });
    }
  }
};

template <class T, class Alloc>
struct codec<std::vector<T, Alloc>> {
  using vector = std::vector<T, Alloc>;
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::sequence;
  template <class Archive>
  static void save(Archive& out, vector const& value) {
    if constexpr (detail::is_bitwise<T, Archive::form>) {
      out.save_range(value.data(), value.size(), sizeof(T));
    } else {
      detail::save_elements(out, value, value.size());
    }
  }
  template <class Archive>
  static void load(Archive& in, vector& value) {
    if constexpr (detail::is_bitwise<T, Archive::form>) {
      load_in_one_piece(in, value);
    } else {
      std::size_t const count = in.load_count();
      value.clear();
      if constexpr (sizeof(T) <= 64) value.reserve(count / 8);  // a count is only as good as its sender: grow with what comes
      detail::load_elements<T>(in, count, [&](T&& element) { value.push_back(std::move(element)); });
    }
  }

 private:
  template <class Archive>
  static void load_in_one_piece(Archive& in, vector& value) {
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
      Archive elements({from, count * sizeof(T)});
      for (std::size_t i = 0; i < count; ++i) value.push_back(detail::make<T>(elements));
    }
  }
};

template <class T, std::size_t N>
struct codec<std::array<T, N>> {
  using array = std::array<T, N>;
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::array;
  static constexpr std::uint64_t extra = N;
  template <class Archive>
  static void save(Archive& out, array const& value) {
    if constexpr (detail::is_bitwise<array, Archive::form>)
      out.save_binary(value.data(), sizeof(T) * N);
    else
      for (T const& element : value) detail::save_to_make<std::remove_const_t<T>>(out, element);
  }
  template <class Archive>
  static array make(Archive& in) {
    if constexpr (std::is_default_constructible_v<T> && !std::is_const_v<T>)
      return make_default(in);
    else
      return make_each(in, std::make_index_sequence<N>());
  }

 private:
  template <class Archive>
  static array make_default(Archive& in) {
    array value{};
    if constexpr (detail::is_bitwise<array, Archive::form>)
      in.load_binary(value.data(), sizeof(T) * N);
    else
      for (T& element : value) detail::load(in, element);
    return value;
  }
  template <class Archive, std::size_t... I>
  static array make_each(Archive& in, std::index_sequence<I...>) {
    (void)in;
    return array{((void)I, detail::make<std::remove_const_t<T>>(in))...};
  }
};

template <class T, std::size_t N>
struct codec<T[N]> {
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::array;
  static constexpr std::uint64_t extra = N;
  template <class Archive>
  static void save(Archive& out, T const (&value)[N]) {
    if constexpr (detail::is_bitwise<T, Archive::form>)
      out.save_binary(value, sizeof value);
    else
      for (T const& element : value) out << element;
  }
  template <class Archive>
  static void load(Archive& in, T (&value)[N]) {
    if constexpr (detail::is_bitwise<T, Archive::form>)
      in.load_binary(value, sizeof value);
    else
      for (T& element : value) in >> element;
  }
};

}  // namespace procx::inline v1

#include <procx/wire/composite_codecs.hpp>
#include <procx/wire/container_codecs.hpp>
#include <procx/wire/scalar_codecs.hpp>
