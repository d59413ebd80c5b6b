#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/frame.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace procx::inline v1::detail {

inline constexpr std::uint32_t protocol_version = 2;

/// What each side of a connection between two programs says of itself, in its first frame: docs/wire-format.md.
struct greeting {
  std::uint32_t protocol = protocol_version;
  std::uint32_t oldest_protocol = protocol_version;  ///< down to which it understands others
  std::uint8_t word_size = sizeof(void*);
  std::uint8_t little_endian = 1;
  std::uint64_t build = 0;        ///< of the program, from its build id
  std::uint64_t frame_limit = default_frame_limit;  ///< the largest payload that it takes, in bytes
  std::string program;            ///< the name of its file, for people
  std::string version;            ///< of procx, for people

  /// What this program says.
  static greeting own(std::uint64_t build, std::uint64_t frame_limit);
  /// The payload of a frame of the kind `hello`.
  void write(buffer& out) const;
  /// Throws protocol_error if it is none; of one that speaks another protocol only the first two numbers are read.
  static greeting read(std::span<std::byte const> payload);
};

/// The beginning of a connection between two programs, as a state machine without input and output: its owner feeds it frames
/// and the time, and does what it says. Each side sends its greeting at once, and takes nothing before the other's.
///
///     awaiting ── a greeting that fits ─▶ done
///     awaiting ── any other frame, or a greeting that does not fit ─▶ refused
///     awaiting ── the deadline ─▶ late
///     awaiting ── the end of the connection ─▶ ended
///
/// All but `awaiting` are final. Not thread-safe.
class handshake {
 public:
  using clock = std::chrono::steady_clock;
  enum class state { awaiting, done, refused, late, ended };
  /// What the other side must have in common with this one.
  enum class demand {
    protocol,  ///< values are sent in the portable form
    machine,   ///< in the native form: the size of a word and the order of bytes as well
    build,     ///< offsets of code are sent as well: the very same program
  };

  handshake(greeting own, demand what, std::optional<clock::time_point> until = std::nullopt);

  /// Appends this side's greeting, as a frame.
  void write(buffer& out) const;

  state now() const noexcept { return state_; }
  /// The next frame that has come. Only while awaiting.
  state on_frame(frame const& f);
  state on_time(clock::time_point now) noexcept;
  state on_end() noexcept;

  /// What the other side has said; valid once done.
  greeting const& other() const noexcept { return other_; }
  /// The largest payload that both sides take.
  std::uint64_t frame_limit() const noexcept;
  /// Throws the reason as protocol_error, or connection_error where nothing was said, unless it is awaiting or done.
  void check() const;

 private:
  state refuse(std::string why) noexcept;
  std::string difference() const;

  greeting own_;
  demand demand_;
  std::optional<clock::time_point> until_;
  greeting other_;
  state state_ = state::awaiting;
  std::string why_;
};

}  // namespace procx::inline v1::detail
