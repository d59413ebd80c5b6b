#pragma once

#include "daemon/call_frames.hpp"
#include "endpoint/handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

namespace procx::inline v1::detail {

/// The client's side of one connection to a daemon, without input and output. Not thread-safe.
///
///     greeting ── hello that fits ─▶ opening ── opened ─▶ open ── end ─▶ ending
///
/// A frame that has no meaning in its state throws protocol_error; the connection is of no use then.
class client_protocol {
 public:
  enum class state { greeting, opening, open, ending };

  class events {
   public:
    virtual ~events() = default;
    virtual void on_opened(session_terms const& terms) = 0;
    /// `value` is valid as long as the frame.
    virtual void on_value(std::uint64_t id, std::span<std::byte const> value) = 0;
    virtual void on_failure(std::uint64_t id, std::exception_ptr error) = 0;
    /// The daemon takes no more calls; it answers those that it has read. `all_answered`: it has done so, and closes the
    /// connection: calls without an answer were not run.
    virtual void on_end(bool all_answered) = 0;
  };

  client_protocol(greeting own, session_token const& token);

  /// Appends this side's greeting and its `open`.
  void greet(buffer& out) const;
  void on_frame(frame const& f, buffer& out, events& to);

  state now() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ == state::open; }
  /// Largest frame that the daemon takes, in bytes.
  std::size_t frame_limit() const noexcept { return static_cast<std::size_t>(hands_.frame_limit()); }

 private:
  void on_control(frame const& f, buffer& out, events& to);

  handshake hands_;
  session_token token_;
  state state_ = state::greeting;
};

}  // namespace procx::inline v1::detail
