#pragma once

#include <procx/wire/archive.hpp>

#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/serialization.hpp>
#include <boost/serialization/version.hpp>
#include <boost/serialization/wrapper.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

/// Whether values of `T` need Boost.Serialization's own archive: pointers to polymorphic classes, objects that are
/// pointed to from several places. Say so by `PROCX_FULL_ARCHIVE(T)` of <procx/wire/full_archive.hpp>.
template <class T>
struct needs_full_archive : std::false_type {};

namespace detail {

/// How values of a type become bytes. Specialized for the standard library's types (standard_codecs.hpp,
/// composite_codecs.hpp): `save`, `load` into an object that exists, and `make` where `T` may have no default constructor.
template <class T>
struct codec;

template <class T>
concept has_codec =
    !needs_full_archive<T>::value && requires(output_archive& out, T const& value) { codec<T>::save(out, value); };

template <class T>
concept makes_itself = has_codec<T> && requires(input_archive& in) {
  { codec<T>::make(in) } -> std::same_as<T>;
};

template <class T>
concept shows_serialize = requires(T& value, output_archive& archive) { value.serialize(archive, 0u); } ||
                          requires(T& value, output_archive& archive) { serialize(archive, value, 0u); };

namespace boost_protocol {

/// As general as Boost's own, which is found beside it by the type of the version: a call is ambiguous, unless there is
/// a function for this very type.
template <class Archive, class T>
void serialize(Archive&, T&, unsigned);

template <class T>
concept has_free_serialize = requires(T& value, output_archive& archive) {
  serialize(archive, value, boost::serialization::version_type(0u));
};

struct named_serialize {
  int serialize;
};
template <class T>
struct names_of : T, named_serialize {};
struct anything {
  template <class T>
  operator T&() const;
};

/// A member `serialize` that only Boost, as a friend, can call: the name is there, and can be called in no other way.
template <class T>
concept has_private_serialize =
    std::is_class_v<T> && !std::is_final_v<T> && !requires { &names_of<T>::serialize; } &&
    !requires(T& value, anything a) { value.serialize(); } && !requires(T& value, anything a) { value.serialize(a); } &&
    !requires(T& value, anything a) { value.serialize(a, a); };

}  // namespace boost_protocol

/// Whether a function to serialize `T` was written, wherever Boost would find it.
template <class T>
concept has_serialize =
    shows_serialize<T> || boost_protocol::has_free_serialize<T> || boost_protocol::has_private_serialize<T>;

/// Types that only point at what they mean: their bytes mean nothing in another process.
template <class T>
inline constexpr bool only_points = std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>;
template <class C, class Traits>
inline constexpr bool only_points<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool only_points<std::span<T, N>> = true;
template <class T>
inline constexpr bool only_points<std::reference_wrapper<T>> = true;

template <class T>
inline constexpr bool is_number = (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) || std::is_enum_v<T>;

/// Types whose values are copied as they lie in memory.
template <class T>
inline constexpr bool is_bitwise =
    is_number<T> || ((std::is_class_v<T> || std::is_union_v<T>) && std::is_trivially_copyable_v<T> && !has_codec<T> && !has_serialize<T> &&
                     !boost::serialization::is_wrapper<T>::type::value && !needs_full_archive<T>::value && !only_points<T>);

/// Boost.Serialization's own small numbers.
template <class T>
inline constexpr bool is_boost_number =
    std::is_same_v<T, boost::serialization::version_type> || std::is_same_v<T, boost::serialization::item_version_type> ||
    std::is_same_v<T, boost::serialization::library_version_type>;

/// Specialized in full_archive.hpp.
template <class T>
struct full_codec;

template <class Archive, class T>
void serialize_by_protocol(Archive& archive, T& value) {
  nesting const deeper(archive.depth());
  boost::serialization::serialize_adl(archive, value,
                                      static_cast<unsigned>(boost::serialization::version<T>::value));
}

template <class T>
constexpr void require_value() {
  static_assert(!only_points<T>,
                "procx: a pointer, view or reference means nothing in another process; send what it points to "
                "(std::string, std::vector, std::unique_ptr), or ask for Boost's archive by PROCX_FULL_ARCHIVE(T)");
}

template <class T>
void save(output_archive& archive, T const& value) {
  if constexpr (needs_full_archive<T>::value)
    full_codec<T>::save(archive, value);
  else if constexpr (only_points<T>)
    require_value<T>();
  else if constexpr (has_codec<T>)
    codec<T>::save(archive, value);
  else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>)
    archive.save_count(value);
  else if constexpr (std::is_empty_v<T> && is_bitwise<T>)
    archive.save_binary("", 1);
  else if constexpr (is_bitwise<T> || is_boost_number<T>)
    archive.save_bitwise(value);
  else
    serialize_by_protocol(archive, const_cast<T&>(value));  // serialize() is one function for both directions
}

template <class T>
void load(input_archive& archive, T& value) {
  if constexpr (needs_full_archive<T>::value)
    full_codec<T>::load(archive, value);
  else if constexpr (only_points<T>)
    require_value<T>();
  else if constexpr (has_codec<T>)
    codec<T>::load(archive, value);
  else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>)
    value = archive.load_count();  // as a standard container's: what follows is at least as many bytes
  else if constexpr (std::is_empty_v<T> && is_bitwise<T>)
    archive.take(1);  // an empty base shares its place with a member
  else if constexpr (is_bitwise<T> || is_boost_number<T>)
    archive.load_binary(static_cast<void*>(&value), sizeof value);
  else
    serialize_by_protocol(archive, value);
}

/// A new object. `T` without a default constructor is made as Boost.Serialization makes objects behind pointers: by
/// `load_construct_data`, then `serialize`.
template <class T>
T make(input_archive& archive) {
  if constexpr (makes_itself<T>) {
    return codec<T>::make(archive);
  } else if constexpr (std::is_default_constructible_v<T>) {
    T value{};
    load(archive, value);
    return value;
  } else {
    struct slot {
      alignas(T) std::byte bytes[sizeof(T)];
      T* made = nullptr;
      ~slot() {
        if (made) std::destroy_at(made);
      }
    } place;
    T* const raw = reinterpret_cast<T*>(place.bytes);
    if constexpr (is_bitwise<T>) {
      archive.load_binary(place.bytes, sizeof(T));
      return *std::launder(raw);
    } else {
      boost::serialization::load_construct_data_adl(archive, raw, boost::serialization::version<T>::value);
      place.made = std::launder(raw);
      load(archive, *place.made);
      return std::move(*place.made);
    }
  }
}

/// The counterpart of `make`: with what `load_construct_data` will ask for.
template <class T>
void save_to_make(output_archive& archive, T const& value) {
  if constexpr (!makes_itself<T> && !std::is_default_constructible_v<T> && !is_bitwise<T> && !has_codec<T>)
    boost::serialization::save_construct_data_adl(archive, &value, boost::serialization::version<T>::value);
  save(archive, value);
}

}  // namespace detail

/// Appends the value to the buffer. Throws what the type's own `serialize` throws.
template <class T>
void encode(detail::buffer& out, T const& value) {
  output_archive archive(out);
  detail::save_to_make(archive, value);
}

/// The value that the bytes are, all of them. Throws protocol_error if they are not a `T`.
template <class T>
T decode(input_archive archive) {
  T value = detail::make<T>(archive);
  if (archive.left()) [[unlikely]] detail::throw_bad_bytes("there are more bytes than the value has");
  return value;
}
template <class T>
T decode(detail::encoded_value const& bytes) {
  return decode<T>(input_archive(bytes));
}

template <class T>
T decode(std::span<std::byte const> bytes) {
  return decode<T>(input_archive(bytes));
}

}  // namespace procx::inline v1

#include <procx/wire/standard_codecs.hpp>
