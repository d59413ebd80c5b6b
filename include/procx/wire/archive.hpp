#pragma once

#include <procx/wire/blocks.hpp>
#include <procx/wire/buffer.hpp>

#include <boost/serialization/library_version_type.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace procx::inline v1 {

class output_archive;
class input_archive;

namespace detail {

template <class T>
void save(output_archive& archive, T const& value);
template <class T>
void load(input_archive& archive, T& value);

[[noreturn]] void throw_bad_bytes(char const* why);
[[noreturn]] void throw_too_deep();

/// Values may nest this deep: a hostile sender must not choose how far the receiver's stack reaches.
inline constexpr unsigned nesting_limit = 1024;

/// Counts how deep an archive is inside of values that hold values.
class nesting {
 public:
  explicit nesting(unsigned& depth) : depth_(depth) {
    if (depth_ == nesting_limit) throw_too_deep();
    ++depth_;
  }
  nesting(nesting const&) = delete;
  ~nesting() { --depth_; }

 private:
  unsigned& depth_;
};

}  // namespace detail

/// Writes values as bytes that an `input_archive` of the same build reads back.
///
/// It models Boost.Serialization's saving archive, so that the `serialize` functions written for that library work
/// with it unchanged, without its cost: no header, no stream, no tracking of objects. Trivially copyable values are
/// copied as they lie in memory.
class output_archive {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;

  explicit output_archive(detail::buffer& out, detail::block_sink* blocks = nullptr) noexcept
      : out_(out), blocks_(blocks) {}

  template <class T>
  output_archive& operator<<(T const& value) {
    detail::save(*this, value);
    return *this;
  }
  template <class T>
  output_archive& operator&(T const& value) {
    return *this << value;
  }

  void save_binary(void const* from, std::size_t size) { out_.append(from, size); }
  template <class T>
  void save_bitwise(T const& value) {
    if constexpr (sizeof value <= 64)
      out_.append_words<sizeof value>(reinterpret_cast<std::byte const*>(&value));
    else
      out_.append(&value, sizeof value);
  }
  void save_count(std::size_t count) {
    std::uint64_t const n = count;
    out_.append(&n, sizeof n);
  }
  /// A count, and so many things of `unit` bytes each, which lie one behind the other: in the frame, or outside of it.
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
  detail::block_sink* blocks() const noexcept { return blocks_; }
  std::size_t written() const noexcept { return out_.size(); }
  unsigned& depth() noexcept { return depth_; }

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
  unsigned depth_ = 0;
};

/// Reads back what an `output_archive` wrote. Every length is checked against the bytes that are left before memory is
/// reserved for it, so that damaged or hostile bytes cost a `protocol_error` and nothing else.
class input_archive {
 public:
  using is_saving = std::false_type;
  using is_loading = std::true_type;

  explicit input_archive(std::span<std::byte const> bytes, detail::block_source* blocks = nullptr) noexcept
      : input_archive(bytes.data(), bytes.size(), blocks) {}
  input_archive(std::byte const* bytes, std::size_t size, detail::block_source* blocks) noexcept
      : at_(bytes), end_(bytes + size), blocks_(blocks) {}
  explicit input_archive(detail::encoded_value const& value) noexcept : input_archive(value.bytes, value.blocks) {}

  template <class T>
  input_archive& operator>>(T&& value) {
    // Wrappers such as make_nvp("x", x) arrive as temporaries, and sometimes const, but refer to what is to be read.
    detail::load(*this, const_cast<std::remove_cvref_t<T>&>(value));
    return *this;
  }
  template <class T>
  input_archive& operator&(T&& value) {
    return *this >> value;
  }

  void load_binary(void* to, std::size_t size) {
    std::byte const* const from = take(size);
    if (size) std::memcpy(to, from, size);
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
    std::uint64_t n = 0;
    load_binary(&n, sizeof n);
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
    std::uint64_t n = 0;
    load_binary(&n, sizeof n);
    if ((n & output_archive::outside) && blocks_) return load_outside(n & ~output_archive::outside, unit);
    if (n > left() / unit) detail::throw_bad_bytes("a collection claims to be larger than its bytes");
    return {take(static_cast<std::size_t>(n) * unit), static_cast<std::size_t>(n), std::nullopt};
  }
  detail::block_source* blocks() const noexcept { return blocks_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  unsigned& depth() noexcept { return depth_; }

  template <class T>
  void register_type(T const* = nullptr) noexcept {}
  boost::serialization::library_version_type get_library_version() const noexcept {
    return boost::serialization::library_version_type(19);
  }
  void reset_object_address(void const*, void const*) noexcept {}

 private:
  range load_outside(std::uint64_t count, std::size_t unit) {
    std::uint64_t block = 0;
    load_binary(&block, sizeof block);
    if (count > ~std::size_t{0} / unit) detail::throw_bad_bytes("a collection claims to be larger than memory");
    return {blocks_->find(block, static_cast<std::size_t>(count) * unit).data(), static_cast<std::size_t>(count), block};
  }

  std::byte const* at_;
  std::byte const* end_;
  detail::block_source* blocks_;
  unsigned depth_ = 0;
};

}  // namespace procx::inline v1
