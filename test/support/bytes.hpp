#pragma once

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

// Values as bytes and back, for tests.

using bytes = std::vector<std::byte>;

template <class T>
bytes encoded(T const& value) {
  procx::detail::buffer out;
  procx::encode(out, value);
  return {out.data(), out.data() + out.size()};
}

template <class T>
T round_trip(T const& value) {
  return procx::decode<T>(encoded(value));
}

inline bytes raw(std::initializer_list<int> values) {
  bytes all;
  for (int v : values) all.push_back(static_cast<std::byte>(v));
  return all;
}

/// A predicate for BOOST_CHECK_EXCEPTION: the text contains this.
inline auto says(std::string_view part) {
  return [part = std::string(part)](std::exception const& e) {
    if (std::string_view(e.what()).find(part) != std::string_view::npos) return true;
    BOOST_TEST_MESSAGE("it says: " << e.what());
    return false;
  };
}
