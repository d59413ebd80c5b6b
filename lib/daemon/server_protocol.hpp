#pragma once

#include "daemon/call_frames.hpp"
#include "endpoint/handshake.hpp"

#include <boost/asio/cancellation_type.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// The daemon's side of one connection, without input and output: its owner feeds it frames and the time, and sends what it
/// appends to a buffer. Not thread-safe.
///
///     greeting ── hello that fits ─▶ opening ── open ─▶ open ── end ─▶ half_closed
///
/// A frame that has no meaning in its state throws protocol_error; the connection is to be closed then, and nothing else.
class server_protocol {
 public:
  using clock = handshake::clock;
  enum class state { greeting, opening, open, half_closed };

  /// What the client asks for.
  class events {
   public:
    virtual ~events() = default;
    virtual session_terms on_open(session_token const& token) = 0;
    /// `arguments` are valid during the call.
    virtual void on_call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) = 0;
    virtual void on_acknowledge(std::uint64_t id) = 0;
    virtual void on_cancel(std::uint64_t id, boost::asio::cancellation_type how) = 0;
    /// There will be no more calls.
    virtual void on_end() = 0;
    virtual void on_stop() = 0;
    virtual void on_hand_over() = 0;
  };

  /// Time limit for the client's greeting and its `open`.
  static constexpr std::chrono::seconds time_to_greet{2};
  /// Largest frame before that, in bytes.
  static constexpr std::size_t longest_greeting = 4096;
  /// Each side takes frames of so many bytes at least.
  static constexpr std::size_t least_frame_limit = 64 * 1024;

  server_protocol(greeting own, clock::time_point now);

  /// Appends this side's greeting.
  void greet(buffer& out) const { hands_.write(out); }
  void on_frame(frame const& f, buffer& out, events& to);
  /// Throws connection_error if the client is late with its greeting.
  void on_time(clock::time_point now) const;

  state now() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ >= state::open; }
  clock::time_point greets_until() const noexcept { return until_; }
  /// Largest frame that the client takes, in bytes.
  std::size_t frame_limit() const noexcept { return static_cast<std::size_t>(hands_.frame_limit()); }

 private:
  void on_control(frame const& f, buffer& out, events& to);

  clock::time_point until_;
  handshake hands_;
  state state_ = state::greeting;
};

/// Appends the value of a call; or, if it is larger than the client takes, that as a failure.
void add_value(buffer& out, std::uint64_t id, std::span<std::byte const> value, std::size_t limit);

}  // namespace procx::inline v1::detail
