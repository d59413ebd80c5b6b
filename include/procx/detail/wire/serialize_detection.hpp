#pragma once

#include <procx/wire/archive.hpp>

#include <boost/serialization/serialization.hpp>
#include <boost/serialization/version.hpp>

#include <type_traits>

// Whether a class has a function to serialize it, as Boost.Serialization would find it.
namespace procx::inline v1::detail {

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

/// Returns true if a function to serialize `T` was written, wherever Boost would find it.
template <class T>
concept has_serialize =
    shows_serialize<T> || boost_protocol::has_free_serialize<T> || boost_protocol::has_private_serialize<T>;

}  // namespace procx::inline v1::detail
