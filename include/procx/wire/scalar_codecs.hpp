#pragma once

#include <procx/wire/codec.hpp>

#include <boost/system/error_code.hpp>

#include <bitset>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

// Values of the standard library that are a number or two: bits, complex numbers, times; and paths and error codes.
namespace procx::inline v1 {
namespace detail {

/// std::complex, known by its interface and its size, since its header costs as much as a third of this layer: a number that
/// consists of two others and of nothing else.
template <class T>
concept complex_number = requires(T const& c) {
  requires std::is_floating_point_v<typename T::value_type>;
  { c.real() } -> std::same_as<typename T::value_type>;
  { c.imag() } -> std::same_as<typename T::value_type>;
} && std::is_trivially_copyable_v<T> && sizeof(T) == 2 * sizeof(typename T::value_type);

template <complex_number T, wire_form Form>
inline constexpr bool is_bitwise<T, Form> = is_bitwise<typename T::value_type, Form>;
template <class Rep, class Period, wire_form Form>
inline constexpr bool is_bitwise<std::chrono::duration<Rep, Period>, Form> = is_bitwise<Rep, Form>;
template <class Clock, class Duration, wire_form Form>
inline constexpr bool is_bitwise<std::chrono::time_point<Clock, Duration>, Form> = is_bitwise<Duration, Form>;

/// Error codes by the name of their category, since its address means nothing elsewhere. A category that this program does
/// not have arrives as one of the same name whose messages are "NAME error VALUE".
std::error_category const& std_category(std::string_view name);
boost::system::error_category const& boost_category(std::string_view name);

}  // namespace detail

template <std::size_t N>
struct codec<std::bitset<N>> {
  static constexpr auto tag = detail::shape::bits;
  static constexpr std::uint64_t extra = N;
  static constexpr std::size_t bytes = (N + 7) / 8;
  template <class Archive>
  static void save(Archive& out, std::bitset<N> const& value) {
    for (std::size_t at = 0; at < N; at += 8) {
      unsigned char byte = 0;
      for (std::size_t bit = 0; bit < 8 && at + bit < N; ++bit) byte |= static_cast<unsigned char>(value[at + bit] << bit);
      out.save_binary(&byte, 1);
    }
  }
  template <class Archive>
  static void load(Archive& in, std::bitset<N>& value) {
    std::byte const* const from = in.take(bytes);
    for (std::size_t i = 0; i < bytes * 8; ++i) {
      bool const bit = (from[i / 8] >> i % 8 & std::byte{1}) != std::byte{0};
      if (i < N)
        value[i] = bit;
      else if (bit)
        detail::throw_bad_bytes("a bitset has more bits than it holds");
    }
  }
};

template <detail::complex_number T>
struct codec<T> {
  using part = typename T::value_type;
  using parts = detail::type_list<part>;
  static constexpr auto tag = detail::shape::complex;
  template <class Archive>
  static void save(Archive& out, T const& value) {
    out << value.real() << value.imag();
  }
  template <class Archive>
  static T make(Archive& in) {
    part real{}, imaginary{};
    in >> real >> imaginary;
    return {real, imaginary};
  }
};

template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> {
  using duration = std::chrono::duration<Rep, Period>;
  using parts = detail::type_list<Rep>;
  static constexpr auto tag = detail::shape::duration;
  static constexpr std::uint64_t extra = static_cast<std::uint64_t>(Period::num) * 1'000'003u + static_cast<std::uint64_t>(Period::den);
  template <class Archive>
  static void save(Archive& out, duration const& value) {
    out << value.count();
  }
  template <class Archive>
  static duration make(Archive& in) {
    return duration(detail::make<Rep>(in));
  }
};

template <class Clock, class Duration>
struct codec<std::chrono::time_point<Clock, Duration>> {
  using time_point = std::chrono::time_point<Clock, Duration>;
  using parts = detail::type_list<Duration>;
  static constexpr auto tag = detail::shape::time_point;
  template <class Archive>
  static void save(Archive& out, time_point const& value) {
    out << value.time_since_epoch();
  }
  template <class Archive>
  static time_point make(Archive& in) {
    return time_point(detail::make<Duration>(in));
  }
};

template <>
struct codec<std::filesystem::path> {
  static constexpr auto tag = detail::shape::path;
  template <class Archive>
  static void save(Archive& out, std::filesystem::path const& value) {
    out << value.native();
  }
  template <class Archive>
  static std::filesystem::path make(Archive& in) {
    return std::filesystem::path(detail::make<std::string>(in));
  }
};

template <>
struct codec<std::error_code> {
  static constexpr auto tag = detail::shape::error_code;
  template <class Archive>
  static void save(Archive& out, std::error_code const& value) {
    out << std::string(value.category().name()) << std::int32_t{value.value()};
  }
  template <class Archive>
  static std::error_code make(Archive& in) {
    auto const category = detail::make<std::string>(in);
    auto const value = detail::make<std::int32_t>(in);
    return {value, detail::std_category(category)};
  }
};

template <>
struct codec<boost::system::error_code> {
  static constexpr auto tag = detail::shape::error_code;
  template <class Archive>
  static void save(Archive& out, boost::system::error_code const& value) {
    out << std::string(value.category().name()) << std::int32_t{value.value()};
  }
  template <class Archive>
  static boost::system::error_code make(Archive& in) {
    auto const category = detail::make<std::string>(in);
    auto const value = detail::make<std::int32_t>(in);
    return {value, detail::boost_category(category)};
  }
};

}  // namespace procx::inline v1
