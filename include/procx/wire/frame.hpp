#pragma once

#include <procx/wire/buffer.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// What a frame says. The numbers are part of the wire format: docs/wire-format.md.
enum class frame_kind : std::uint8_t {
  value = 1,      ///< an encoded value, of a type that both sides know
  exception = 2,  ///< an encoded exception_record: the callable threw
  end = 3,        ///< nothing more will come from this side
  acknowledge = 4,  ///< the value with this id was received
  task = 5,       ///< a callable, and its encoded arguments
  hello = 6,      ///< the first frame on a channel to another program
  tasks = 7,      ///< for a worker: what is called, and the encoded arguments of each call
};

/// Bits of `frame_header::flags`.
inline constexpr std::uint8_t wants_acknowledge = 1;
inline constexpr std::uint8_t has_blocks = 2;  ///< of a result: behind the value is a list of shared memory

/// The 16 bytes before every payload: length (48 bits), kind (8), flags (8), id (64), little endian.
struct frame_header {
  static constexpr std::size_t size = 16;
  static constexpr std::uint64_t max_length = (std::uint64_t{1} << 48) - 1;

  frame_kind kind;
  std::uint8_t flags = 0;
  std::uint64_t length = 0;
  std::uint64_t id = 0;

  void write(std::byte* to) const noexcept {
    std::uint64_t const first = length | std::uint64_t(kind) << 48 | std::uint64_t{flags} << 56;
    store(to, first);
    store(to + 8, id);
  }

  /// Changes the id alone.
  static void write_id(std::byte* to, std::uint64_t id) noexcept { store(to + 8, id); }

  static frame_header read(std::byte const* from) noexcept {
    std::uint64_t const first = load(from);
    return {kind_in(first), static_cast<std::uint8_t>(first >> 56), first & max_length, load(from + 8)};
  }

  // The first word of a header, for who would rather keep it in a register than in a struct.
  static std::uint64_t first_word(std::byte const* from) noexcept { return load(from); }
  static std::uint64_t id_in(std::byte const* from) noexcept { return load(from + 8); }
  static std::uint8_t flags_in(std::uint64_t first) noexcept { return static_cast<std::uint8_t>(first >> 56); }
  static frame_kind kind_in(std::uint64_t first) noexcept { return static_cast<frame_kind>(first >> 48 & 0xff); }

 private:
  static std::uint64_t little(std::uint64_t v) noexcept {
    return std::endian::native == std::endian::little ? v : __builtin_bswap64(v);
  }
  static void store(std::byte* to, std::uint64_t v) noexcept {
    v = little(v);
    std::memcpy(to, &v, sizeof v);
  }
  static std::uint64_t load(std::byte const* from) noexcept {
    std::uint64_t v = 0;
    std::memcpy(&v, from, sizeof v);
    return little(v);
  }
};

/// A whole frame inside a `frame_reader`.
struct frame {
  frame_kind kind;
  std::uint8_t flags;
  std::uint64_t id;
  std::span<std::byte const> payload;
};

/// Whole frames one behind the other that differ in nothing but what they carry: of one kind and length, their ids count up.
struct frame_series {
  frame_kind kind;
  std::uint8_t flags;
  std::uint64_t id;     ///< of the first
  std::size_t length;   ///< of each payload
  std::size_t count;
  std::byte const* at;  ///< the header of the first

  std::span<std::byte const> bytes() const noexcept { return {at, count * (frame_header::size + length)}; }
  std::span<std::byte const> payload(std::size_t i) const noexcept {
    return {at + i * (frame_header::size + length) + frame_header::size, length};
  }
  frame operator[](std::size_t i) const noexcept { return {kind, flags, id + i, payload(i)}; }
  void drop_front(std::size_t n) noexcept {
    at += n * (frame_header::size + length);
    id += n;
    count -= n;
  }
};

/// The largest payload that is taken, unless an option says otherwise: 1 GiB.
inline constexpr std::size_t default_frame_limit = std::size_t{1} << 30;

/// Throws protocol_error: `what`, of so many bytes, does not fit into a frame.
[[noreturn]] void throw_too_large(char const* what, std::size_t size, std::size_t limit);

/// Appends frames to a buffer; the payload is written in place between `begin` and `finish`.
class frame_writer {
 public:
  explicit frame_writer(buffer& out) noexcept : out_(out) {}

  void begin() {
    start_ = out_.size();
    out_.extend(frame_header::size);
  }
  /// Completes the frame that was begun. If its payload is larger than `limit`, it is taken back and
  /// `protocol_error` (errc::value_too_large) is thrown.
  void finish(frame_kind kind, std::uint64_t id, std::size_t limit, std::uint8_t flags = 0) {
    std::size_t const length = out_.size() - start_ - frame_header::size;
    if (length > limit) [[unlikely]] refuse(length, limit);
    frame_header{kind, flags, length, id}.write(out_.data() + start_);
  }
  /// Takes back the frame that was begun.
  void abandon() noexcept { out_.set_size(start_); }

  void add(frame_kind kind, std::uint64_t id, std::span<std::byte const> payload = {}, std::uint8_t flags = 0) {
    begin();
    out_.append(payload.data(), payload.size());
    finish(kind, id, frame_header::max_length, flags);
  }

 private:
  [[noreturn]] void refuse(std::size_t length, std::size_t limit);

  buffer& out_;
  std::size_t start_ = 0;
};

/// Collects bytes as they arrive and takes them apart into frames.
///
/// Memory grows with what has arrived, never with what a header claims; a header that claims too much, or is none, is
/// an error at once. After an error the reader is of no use.
class frame_reader {
 public:
  explicit frame_reader(std::size_t limit = default_frame_limit) noexcept : limit_(limit) {}

  /// Room for the next bytes; invalidates the frames that `next` has given.
  std::span<std::byte> prepare();
  void commit(std::size_t n) noexcept { bytes_.set_size(bytes_.size() + n); }

  /// The next whole frame; none if more bytes are needed first. It stays valid until `prepare`.
  /// Throws protocol_error.
  std::optional<frame> next() {
    auto const series = next_series(1);
    return series ? std::optional((*series)[0]) : std::nullopt;
  }
  /// The next frame, and of those behind it what forms a series with it, `most` in all; none if more bytes are needed
  /// first. Valid until `prepare`. Throws protocol_error.
  std::optional<frame_series> next_series(std::size_t most) {
    if (!has_next()) return std::nullopt;
    std::byte const* const at = bytes_.data() + consumed_;
    std::uint64_t const first = frame_header::first_word(at), id = frame_header::id_in(at);
    std::size_t const length = first & frame_header::max_length, step = frame_header::size + length;
    most = std::min(most, pending() / step);
    std::size_t count = 1;
    for (std::byte const* next = at + step; count < most; ++count, next += step)
      if (frame_header::first_word(next) != first || frame_header::id_in(next) != id + count) break;
    consumed_ += count * step;
    return frame_series{frame_header::kind_in(first), frame_header::flags_in(first), id, length, count, at};
  }
  /// Whether `next` would give a frame. Throws protocol_error.
  bool has_next() const {
    if (pending() < frame_header::size) return false;
    return pending() - frame_header::size >= checked_length();
  }

  /// Bytes that are not part of any frame given yet.
  std::size_t pending() const noexcept { return bytes_.size() - consumed_; }
  std::size_t limit() const noexcept { return limit_; }

 private:
  static bool known(frame_kind kind) noexcept { return kind >= frame_kind::value && kind <= frame_kind::tasks; }
  [[noreturn]] static void refuse(frame_header const& h, std::size_t limit);

  // Inline, with `next_series`, and without a struct on the stack: this is much of what a small result costs.
  std::size_t checked_length() const {
    std::byte const* const at = bytes_.data() + consumed_;
    std::uint64_t const first = frame_header::first_word(at);
    std::size_t const length = first & frame_header::max_length;
    if (!known(frame_header::kind_in(first)) || length > limit_) [[unlikely]] refuse(frame_header::read(at), limit_);
    return length;
  }

  buffer bytes_;
  std::size_t consumed_ = 0;
  std::size_t limit_;
};

}  // namespace procx::inline v1::detail
