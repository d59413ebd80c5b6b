#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/sendable.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

// Values to bytes and back: one description of each type for both forms.
namespace procx::inline v1 {
namespace detail {

/// Specialized in full_archive.hpp.
template <class T>
struct full_codec;

/// In container_codecs.hpp.
template <class Archive, class T>
void save_declared_range(Archive& archive, T const& value);
template <class Archive, class T>
void load_declared_range(Archive& archive, T& value);

template <class Archive, class T>
void serialize_by_protocol(Archive& archive, T& value) {
  archive.floor().check();
  boost::serialization::serialize_adl(archive, value,
                                      static_cast<unsigned>(boost::serialization::version<T>::value));
}

template <class Archive, class T>
void save_boost_number(Archive& archive, T const& value) {
  if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>)
    archive.save_count(value);
  else
    archive.save_number(static_cast<std::uint32_t>(value));
}
template <class Archive, class T>
void load_boost_number(Archive& archive, T& value) {
  if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>)
    value = archive.load_count();  // as a standard container's: what follows is at least as many bytes
  else
    value = T(archive.template load_number<std::uint32_t>());
}

// Of a long double only the bytes that have a meaning.
inline constexpr std::size_t long_double_size = __LDBL_MANT_DIG__ == 64 ? 10 : sizeof(long double);

template <class Archive, class T>
void save_as_memory(Archive& archive, T const& value) {
#if __has_builtin(__builtin_clear_padding)
  if constexpr (!std::has_unique_object_representations_v<T>) {
    alignas(T) std::byte copy[sizeof(T)];
    std::memcpy(copy, &value, sizeof copy);
    __builtin_clear_padding(reinterpret_cast<T*>(copy));
    return archive.save_binary(copy, sizeof copy);
  }
#endif
  archive.save_binary(&value, sizeof value);
}

template <class T, class Archive>
T make(Archive& archive);
template <class T, class Archive>
void save_to_make(Archive& archive, T const& value);
template <class Archive, class T>
void load_made(Archive& archive, T& value);

/// Gives an object a new value, also where parts of it are const.
template <class T>
void replace(T& value, T&& fresh) {
  if constexpr (std::is_move_assignable_v<T>) {
    value = std::move(fresh);
  } else {
    static_assert(std::is_nothrow_move_constructible_v<T>);
    std::destroy_at(std::addressof(value));
    std::construct_at(std::addressof(value), std::move(fresh));
  }
}

template <class Archive, class T>
void save(Archive& archive, T const& value) {
  constexpr value_kind kind = kind_of<T>;
  if constexpr (!is_encodable<T, Archive::form>)
    (void)sizeof(complaint_about<T, Archive::form>);
  else if constexpr (kind == value_kind::full_archive)
    full_codec<T>::save(archive, value);
  else if constexpr (kind == value_kind::codec)
    codec<T>::save(archive, value);
  else if constexpr (is_boost_number<T>)
    save_boost_number(archive, value);
  else if constexpr (kind == value_kind::serialize)
    serialize_by_protocol(archive, const_cast<T&>(value));  // serialize() is one function for both directions
  else if constexpr (kind == value_kind::range)
    save_declared_range(archive, value);
  else if constexpr (std::is_same_v<T, long double>)
    archive.save_binary(&value, long_double_size);
  else if constexpr (is_bitwise<T, Archive::form>)
    archive.save_bitwise(value);
  else if constexpr (kind == value_kind::number)
    archive.save_number(value);
  else if constexpr (kind == value_kind::bytes)
    save_as_memory(archive, value);
  else if constexpr (kind == value_kind::empty)
    archive.save_binary("", 1);
  else
    with_members(value, [&](auto const&... part) { (save_to_make<std::remove_cvref_t<decltype(part)>>(archive, part), ...); });
}

template <class Archive, class T>
void load(Archive& archive, T& value) {
  constexpr value_kind kind = kind_of<T>;
  if constexpr (!is_encodable<T, Archive::form>)
    (void)sizeof(complaint_about<T, Archive::form>);
  else if constexpr (kind == value_kind::full_archive)
    full_codec<T>::load(archive, value);
  else if constexpr (kind == value_kind::codec) {
    if constexpr (requires { codec<T>::load(archive, value); })
      codec<T>::load(archive, value);
    else
      replace(value, codec<T>::make(archive));
  } else if constexpr (is_boost_number<T>)
    load_boost_number(archive, value);
  else if constexpr (kind == value_kind::serialize)
    serialize_by_protocol(archive, value);
  else if constexpr (kind == value_kind::range)
    load_declared_range(archive, value);
  else if constexpr (std::is_same_v<T, long double>)
    value = 0, archive.load_binary(&value, long_double_size);
  else if constexpr (is_bitwise<T, Archive::form> || kind == value_kind::bytes)
    archive.load_binary(static_cast<void*>(&value), sizeof value);
  else if constexpr (kind == value_kind::number)
    value = archive.template load_number<T>();
  else if constexpr (kind == value_kind::empty)
    archive.take(1);  // an empty base shares its place with a member
  else
    with_members(value, [&](auto&... part) {
      (load_made(archive, const_cast<std::remove_cvref_t<decltype(part)>&>(part)), ...);
    });
}

/// One that has a default constructor. The object is the function's own variable and nothing else's, so that it is made
/// where the caller wants it, and a recursion does not pile up values on the stack.
template <class T, class Archive>
T make_default(Archive& archive) {
  T value = T();  // and not {}, which would not do for a member with an explicit default constructor
  load(archive, value);
  return value;
}

/// One without: as Boost.Serialization makes objects behind pointers, by `load_construct_data`, then `serialize`.
template <class T, class Archive>
T make_constructed(Archive& archive) {
  archive.floor().check(2 * sizeof(T));
  struct slot {
    alignas(T) std::byte bytes[sizeof(T)];
    T* made = nullptr;
    ~slot() {
      if (made) std::destroy_at(made);
    }
  } place;
  T* const raw = reinterpret_cast<T*>(place.bytes);
  if constexpr (is_bitwise<T, Archive::form> || kind_of<T> == value_kind::bytes) {
    archive.load_binary(place.bytes, sizeof(T));
    return *std::launder(raw);
  } else {
    boost::serialization::load_construct_data_adl(archive, raw, boost::serialization::version<T>::value);
    place.made = std::launder(raw);
    load(archive, *place.made);
    return std::move(*place.made);
  }
}

template <class T, class Archive, class... M>
T make_from_members(Archive& archive, type_list<M...>) {
  return T{make<std::remove_cv_t<M>>(archive)...};  // braces: from left to right
}

/// A new object, made in the place where the caller wants it.
template <class T, class Archive>
T make(Archive& archive) {
  if constexpr (!is_encodable<T, Archive::form>)
    (void)sizeof(complaint_about<T, Archive::form>), __builtin_unreachable();
  else if constexpr (has_make<T, Archive>)
    return codec<T>::make(archive);
  else if constexpr (kind_of<T> == value_kind::empty)
    return archive.take(1), std::bit_cast<T>(std::array<std::byte, sizeof(T)>());
  else if constexpr (kind_of<T> == value_kind::members && !std::is_default_constructible_v<T>)
    return make_from_members<T>(archive, members_of<T>());
  else if constexpr (std::is_default_constructible_v<T>)
    return make_default<T>(archive);
  else
    return make_constructed<T>(archive);
}

/// The counterpart of `make`: with what `load_construct_data` will ask for.
template <class T, class Archive>
void save_to_make(Archive& archive, T const& value) {
  if constexpr (kind_of<T> == value_kind::serialize && !std::is_default_constructible_v<T>)
    boost::serialization::save_construct_data_adl(archive, &value, boost::serialization::version<T>::value);
  save(archive, value);
}

/// What `save_to_make` has written, into an object that is there already.
template <class Archive, class T>
void load_made(Archive& archive, T& value) {
  if constexpr (kind_of<T> == value_kind::serialize && !std::is_default_constructible_v<T>)
    replace(value, make<T>(archive));
  else
    load(archive, value);
}

}  // namespace detail

/// Appends the value to the buffer, in the native form. Throws what the type's own `serialize` throws, and protocol_error
/// if it nests too deep for the stack.
template <class T>
void encode(detail::buffer& out, T const& value) {
  if constexpr (detail::is_encodable<T>) {
    output_archive archive(out);
    detail::save_to_make(archive, value);
  } else {
    (void)sizeof(detail::complaint_about<T>);
  }
}

/// The value that the bytes are, all of them. Throws protocol_error if they are not a `T`.
template <class T, wire_form Form>
T decode(basic_input_archive<Form> archive) {
  if constexpr (!detail::is_encodable<T, Form>) {
    (void)sizeof(detail::complaint_about<T, Form>), __builtin_unreachable();
  } else {
    T value = detail::make<T>(archive);
    if (archive.left()) [[unlikely]] detail::throw_bad_bytes("there are more bytes than the value has");
    return value;
  }
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
