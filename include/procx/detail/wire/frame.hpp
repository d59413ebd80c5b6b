#pragma once

#include <procx/detail/wire/buffer.hpp>

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
  values = 8,     ///< from a worker: a `value_series`
  parts = 9,      ///< from a worker: some results of a task that gives several, each behind its length
  message = 10,   ///< from a worker: what a task sends to somebody else
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
    return {static_cast<frame_kind>(first >> 48 & 0xff), static_cast<std::uint8_t>(first >> 56), first & max_length,
            load(from + 8)};
  }

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
  /// Has room for at least half of `at_once` bytes at a time, mostly for all: what a pipe holds, if the system has not been
  /// asked for more.
  explicit frame_reader(std::size_t limit = default_frame_limit, std::size_t at_once = 64 * 1024) noexcept
      : limit_(limit), at_once_(at_once) {}

  /// Room for the next bytes; invalidates the frames that `next` has given. Throws std::bad_alloc.
  std::span<std::byte> prepare();
  void commit(std::size_t n) noexcept {
    bytes_.set_size(bytes_.size() + n);
    if (to_skip_ > 0) [[unlikely]] skip();
  }

  /// The next whole frame; none if more bytes are needed first. It stays valid until `prepare`.
  /// Throws protocol_error.
  std::optional<frame> next() {
    if (!has_next()) return std::nullopt;
    frame_header const h = frame_header::read(bytes_.data() + consumed_);
    consumed_ += frame_header::size + h.length;
    return frame{h.kind, h.flags, h.id, bytes_.bytes().subspan(consumed_ - h.length, h.length)};
  }
  /// Whether `next` would give a frame. Throws protocol_error.
  bool has_next() const {
    if (pending() < frame_header::size) return false;
    return pending() - frame_header::size >= checked_length();
  }

  /// Passes over the frame that is not whole yet, what is still to come of it included, and gives back its memory; none if
  /// not even its header has come.
  std::optional<frame_header> skip_next();
  /// Whether some of it is still to come.
  bool skips() const noexcept { return to_skip_ > 0; }

  /// Bytes that are not part of any frame given yet.
  std::size_t pending() const noexcept { return bytes_.size() - consumed_; }
  std::size_t limit() const noexcept { return limit_; }

 private:
  static bool known(frame_kind kind) noexcept { return kind >= frame_kind::value && kind <= frame_kind::message; }
  [[noreturn]] static void refuse(frame_header const& h, std::size_t limit);
  void skip() noexcept;

  std::size_t checked_length() const {
    frame_header const h = frame_header::read(bytes_.data() + consumed_);
    if (!known(h.kind) || h.length > limit_) [[unlikely]] refuse(h, limit_);
    return h.length;
  }

  buffer bytes_;
  std::size_t consumed_ = 0;
  std::size_t to_skip_ = 0;  // of what is to come
  std::size_t limit_;
  std::size_t at_once_;
};

}  // namespace procx::inline v1::detail
