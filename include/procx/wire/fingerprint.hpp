#pragma once

#include <procx/version.hpp>

#include <procx/wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

// A number for the structure of a type: two programs that compute the same one mean the same bytes.
namespace procx::inline v1 {
namespace detail {

/// FNV-1a, 64 bits, over words: the same for every compiler. Source: Fowler, Noll, Vo.
class structure_hash {
 public:
  constexpr void add(std::uint64_t word) noexcept {
    for (int i = 0; i < 8; ++i) value_ = (value_ ^ (word >> 8 * i & 0xff)) * 0x100000001b3u;
  }
  constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// What comes before the parts; never renumbered. Below 256 are the shapes of codecs.
enum class structure : std::uint64_t {
  integer = 256, natural, floating, enumeration, empty, members, serialized, range, bytes, full_archive, own_codec, again, end,
  character,
};

template <class T, class... Outer>
constexpr void add_structure(structure_hash& hash);

template <class... Outer, class... Part>
constexpr void add_parts(structure_hash& hash, type_list<Part...>) {
  (add_structure<std::remove_cv_t<Part>, Outer...>(hash), ...);
  hash.add(static_cast<std::uint64_t>(structure::end));
}

template <class T, class... Outer>
constexpr std::uint64_t levels_up() {
  std::uint64_t level = 0;
  bool found = false;
  ((found = found || std::is_same_v<T, Outer>, level += found ? 0 : 1), ...);
  return level;
}

template <class T>
constexpr void add_number(structure_hash& hash) {
  if constexpr (std::is_enum_v<T>) {
    hash.add(static_cast<std::uint64_t>(structure::enumeration));
    add_number<std::underlying_type_t<T>>(hash);
  } else if constexpr (std::is_same_v<T, char>) {
    hash.add(static_cast<std::uint64_t>(structure::character));  // with a sign on some machines, without on others
  } else {
    structure const kind = std::is_floating_point_v<T>        ? structure::floating
                           : T(0) < static_cast<T>(T(0) - T(1)) ? structure::natural
                                                                : structure::integer;
    hash.add(static_cast<std::uint64_t>(kind));
    hash.add(std::is_same_v<T, long double> ? long_double_size : sizeof(T));
  }
}

template <class T, class... Outer>
constexpr void add_codec(structure_hash& hash) {
  if constexpr (requires { codec<T>::tag; })
    hash.add(static_cast<std::uint64_t>(codec<T>::tag));
  else
    hash.add(static_cast<std::uint64_t>(structure::own_codec));
  if constexpr (requires { codec<T>::extra; }) hash.add(codec<T>::extra);
  add_parts<T, Outer...>(hash, typename parts_of<T>::type());
}

template <class T, class... Outer>
constexpr void add_structure(structure_hash& hash) {
  constexpr value_kind kind = kind_of<T>;
  auto const add = [&](structure s) { hash.add(static_cast<std::uint64_t>(s)); };
  if constexpr (is_one_of<T, Outer...>) {
    add(structure::again);
    hash.add(levels_up<T, Outer...>());
  } else if constexpr (kind == value_kind::number) {
    add_number<T>(hash);
  } else if constexpr (kind == value_kind::codec) {
    add_codec<T, Outer...>(hash);
  } else if constexpr (kind == value_kind::members) {
    add(structure::members);
    add_parts<T, Outer...>(hash, members_of<T>());
  } else if constexpr (kind == value_kind::range) {
    add(structure::range);
    add_parts<T, Outer...>(hash, type_list<typename T::value_type>());
  } else if constexpr (kind == value_kind::empty) {
    add(structure::empty);
  } else if constexpr (kind == value_kind::bytes) {
    add(structure::bytes);
    hash.add(sizeof(T));
  } else {
    // What serialize() writes is not seen: its writer counts BOOST_CLASS_VERSION up when that changes.
    add(kind == value_kind::full_archive ? structure::full_archive : structure::serialized);
    if constexpr (kind == value_kind::serialize && !is_boost_number<T>)
      hash.add(static_cast<std::uint64_t>(boost::serialization::version<T>::value));
  }
}

/// Nothing that is `consteval` may end the compilation by itself, or clang says two things.
template <class T>
void refuse() {
  (void)sizeof(complaint_about<T>);
}

}  // namespace detail

/// Returns a number for the structure of `T`: kinds, widths and order of what its values consist of, not the names of types
/// or members, and no offsets. The same for every compiler and build; another one whenever the bytes of the portable form
/// would be others. Of a class with `serialize()` only its BOOST_CLASS_VERSION counts: raise that when `serialize()` changes.
template <class T>
consteval std::uint64_t type_fingerprint() {
  if constexpr (detail::is_encodable<T>) {
    detail::structure_hash hash;
    detail::add_structure<T>(hash);
    return hash.value();
  } else {
    if (false) detail::refuse<T>();
    return 0;
  }
}

}  // namespace procx::inline v1
