#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/blocks.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/nesting.hpp>

#include <boost/serialization/library_version_type.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace procx::inline v1 {

/// How values are written: docs/wire-format.md.
enum class wire_form : bool {
  native,    ///< between the processes of one program: numbers and structs without holes as they lie in memory
  portable,  ///< for sockets, files and other machines: little endian, fixed widths, no holes, no addresses
};

template <wire_form Form>
class basic_output_archive;
template <wire_form Form>
class basic_input_archive;

using output_archive = basic_output_archive<wire_form::native>;
using input_archive = basic_input_archive<wire_form::native>;
using portable_output_archive = basic_output_archive<wire_form::portable>;
using portable_input_archive = basic_input_archive<wire_form::portable>;

namespace detail {

template <class Archive, class T>
void save(Archive& archive, T const& value);
template <class Archive, class T>
void load(Archive& archive, T& value);

[[noreturn]] void throw_bad_bytes(char const* why);

/// The bytes of a number in the other order, on machines that are not little endian.
inline void reverse_bytes([[maybe_unused]] std::byte* bytes, [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (std::endian::native != std::endian::little)
    for (std::byte *front = bytes, *back = bytes + size; front < back; ++front) {
      std::byte const one = *front;
      *front = *--back;
      *back = one;
    }
}
/// The bytes of a number in little endian order, and back.
template <class T>
void store_little(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
  reverse_bytes(to, sizeof value);
}
template <class T>
T load_little(std::byte const* from) noexcept {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  reverse_bytes(bytes, sizeof(T));
  T value;
  std::memcpy(static_cast<void*>(&value), bytes, sizeof value);
  return value;
}

}  // namespace detail

/// Writes values as bytes that an input archive of the same form reads back.
///
/// It models Boost.Serialization's saving archive, so that the `serialize` functions written for that library work
/// with it unchanged, without its cost: no header, no stream, no tracking of objects. Values without holes are
/// copied as they lie in memory where the form allows that.
template <wire_form Form>
class basic_output_archive {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;
  static constexpr wire_form form = Form;

  explicit basic_output_archive(detail::buffer& out, detail::block_sink* blocks = nullptr) noexcept
      : out_(out), blocks_(blocks) {}

  template <class T>
  basic_output_archive& operator<<(T const& value) {
    detail::save(*this, value);
    return *this;
  }
  template <class T>
  basic_output_archive& operator&(T const& value) {
    return *this << value;
  }

  void save_binary(void const* from, std::size_t size) { out_.append(from, size); }
  /// The value as it lies in memory.
  template <class T>
  void save_bitwise(T const& value) {
    if constexpr (sizeof value <= 64)
      out_.template append_words<sizeof value>(reinterpret_cast<std::byte const*>(&value));
    else
      out_.append(&value, sizeof value);
  }
  /// A number in little endian order.
  template <class T>
  void save_number(T value) {
    if constexpr (std::endian::native == std::endian::little)
      save_bitwise(value);
    else
      detail::store_little(out_.extend(sizeof value), value);
  }
  void save_count(std::size_t count) { save_number(std::uint64_t{count}); }
  /// A count, and that number of things of `unit` bytes each, which lie one behind the other: in the frame, or outside of it.
  void save_range(void const* from, std::size_t count, std::size_t unit) {
    std::size_t const size = count * unit;
    if (blocks_ && size >= detail::block_threshold)
      if (auto const place = blocks_->make_room(size)) {
        std::memcpy(place->at, from, size);
        return save_outside(count, place->number);
      }
    save_count(count);
    save_binary(from, size);
  }
  /// The same for what lies in a block already.
  void save_outside(std::size_t count, std::uint64_t block) {
    save_count(count | outside);
    out_.append(&block, sizeof block);
  }
  /// The same bytes, in another form from here on.
  template <wire_form Other>
  basic_output_archive<Other> as() noexcept {
    return basic_output_archive<Other>(out_);
  }
  detail::block_sink* blocks() const noexcept { return blocks_; }
  std::size_t written() const noexcept { return out_.size(); }
  detail::stack_floor& floor() noexcept { return floor_; }

  // What Boost.Serialization's own headers ask of an archive beside that.
  template <class T>
  void register_type(T const* = nullptr) noexcept {}
  boost::serialization::library_version_type get_library_version() const noexcept {
    return boost::serialization::library_version_type(19);
  }

  /// Set in the count of a range whose bytes are in a block; the block's number is next.
  static constexpr std::uint64_t outside = std::uint64_t{1} << 63;

 private:
  detail::buffer& out_;
  detail::block_sink* blocks_;
  detail::stack_floor floor_;
};

/// Reads back what an output archive of the same form wrote. Every length is checked against the bytes that are left before
/// memory is reserved for it, so that damaged or hostile bytes cost a `protocol_error` and nothing else.
template <wire_form Form>
class basic_input_archive {
 public:
  using is_saving = std::false_type;
  using is_loading = std::true_type;
  static constexpr wire_form form = Form;

  explicit basic_input_archive(std::span<std::byte const> encoded, detail::block_source* blocks = nullptr) noexcept
      : basic_input_archive(encoded.data(), encoded.size(), blocks) {}
  basic_input_archive(std::byte const* encoded, std::size_t size, detail::block_source* blocks) noexcept
      : at_(encoded), end_(encoded + size), blocks_(blocks) {}
  explicit basic_input_archive(detail::encoded_value const& value) noexcept : basic_input_archive(value.bytes, value.blocks) {}

  template <class T>
  basic_input_archive& operator>>(T&& value) {
    // Wrappers such as make_nvp("x", x) arrive as temporaries, and sometimes const, but refer to what is to be read.
    detail::load(*this, const_cast<std::remove_cvref_t<T>&>(value));
    return *this;
  }
  template <class T>
  basic_input_archive& operator&(T&& value) {
    return *this >> value;
  }

  void load_binary(void* to, std::size_t size) {
    std::byte const* const from = take(size);
    if (size) std::memcpy(to, from, size);
  }
  /// The next number, in little endian order.
  template <class T>
  T load_number() {
    return detail::load_little<T>(take(sizeof(T)));
  }
  /// The next `size` bytes where they lie; throws protocol_error if there are fewer.
  std::byte const* take(std::size_t size) {
    if (size > left()) detail::throw_bad_bytes("a value is cut off");
    std::byte const* const from = at_;
    at_ += size;
    return from;
  }
  /// A count of things that take at least `unit` bytes each: never more than the bytes that are left can hold.
  std::size_t load_count(std::size_t unit = 1) {
    auto const n = load_number<std::uint64_t>();
    if (n > left() / unit) detail::throw_bad_bytes("a collection claims to be larger than its bytes");
    return static_cast<std::size_t>(n);
  }
  /// What `save_range` has written, where it lies.
  struct range {
    std::byte const* at;
    std::size_t count;
    std::optional<std::uint64_t> block;  ///< if it lies in one
  };
  range load_range(std::size_t unit) {
    auto const n = load_number<std::uint64_t>();
    if ((n & output_archive::outside) && blocks_) return load_outside(n & ~output_archive::outside, unit);
    if (n > left() / unit) detail::throw_bad_bytes("a collection claims to be larger than its bytes");
    return {take(static_cast<std::size_t>(n) * unit), static_cast<std::size_t>(n), std::nullopt};
  }
  /// All that is left, in another form.
  template <wire_form Other>
  basic_input_archive<Other> as() {
    std::size_t const size = left();
    return basic_input_archive<Other>(take(size), size, nullptr);
  }
  detail::block_source* blocks() const noexcept { return blocks_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  detail::stack_floor& floor() noexcept { return floor_; }

  template <class T>
  void register_type(T const* = nullptr) noexcept {}
  boost::serialization::library_version_type get_library_version() const noexcept {
    return boost::serialization::library_version_type(19);
  }
  void reset_object_address(void const*, void const*) noexcept {}

 private:
  range load_outside(std::uint64_t count, std::size_t unit) {
    auto const block = load_number<std::uint64_t>();
    if (count > ~std::size_t{0} / unit) detail::throw_bad_bytes("a collection claims to be larger than memory");
    return {blocks_->find(block, static_cast<std::size_t>(count) * unit).data(), static_cast<std::size_t>(count), block};
  }

  std::byte const* at_;
  std::byte const* end_;
  detail::block_source* blocks_;
  detail::stack_floor floor_;
};

}  // namespace procx::inline v1
