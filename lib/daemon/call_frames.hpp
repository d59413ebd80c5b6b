#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

// What the frames between a daemon and its clients hold: docs/protocol.md.
namespace procx::inline v1::detail {

/// What a `message` frame says: in the flags of its header. Its id is the parameter.
enum class control : std::uint8_t {
  open = 1,  ///< client: begins or resumes a session
  opened,    ///< daemon: the answer, with the limits
  cancel,    ///< client: of the call with this id
  ping,      ///< either side: to be answered by a `pong` with the same id
  pong,
  stop,      ///< client: the daemon is to finish its calls and end
  hand_over,    ///< client: likewise, and this client takes its place: it wants the listening socket
  handed_over,  ///< daemon: the answer, with descriptors: the listening socket, and that of the lock if there is one
};

/// Flag of an `end` frame from a daemon: it has answered all calls that it has read, and will not run others.
inline constexpr std::uint8_t all_is_answered = 1;

/// By what a client is known again on another connection. All zeros: it will not come again.
using session_token = std::array<std::byte, 16>;

/// The answer to `open`.
struct session_terms {
  std::uint32_t calls = 0;        ///< most unanswered calls
  std::uint64_t bytes = 0;        ///< most bytes of the arguments of unanswered calls, unless it is a single one
  std::uint32_t kept_for = 0;     ///< seconds that the session is kept without a connection; 0: it ends with the connection
  bool resumed = false;           ///< the daemon knows the session, and its answers that were not acknowledged
  std::int64_t pid = 0;           ///< of the daemon
};

/// What is called: the beginning of the payload of a call.
struct call_head {
  std::uint64_t name = 0;         ///< `name_hash`
  std::uint64_t fingerprint = 0;  ///< of the signature

  static constexpr std::size_t size = 16;
  friend bool operator==(call_head const&, call_head const&) = default;
};

void add_open(buffer& out, session_token const& token);
void add_opened(buffer& out, session_terms const& terms);
void add_control(buffer& out, control what, std::uint64_t id = 0, std::span<std::byte const> payload = {});
/// `arguments`: the caller's name of the function and its signature, then the arguments.
void add_call(buffer& out, std::uint64_t id, call_head const& head, std::span<std::byte const> arguments);

/// These throw protocol_error.
session_token read_open(std::span<std::byte const> payload);
session_terms read_opened(std::span<std::byte const> payload);
/// `arguments`: what is behind the head.
call_head read_call(std::span<std::byte const> payload, std::span<std::byte const>& arguments);

/// Appends the frame of a call that has failed. If its description has more than `limit` bytes, a shorter one.
void add_failure(buffer& out, std::uint64_t id, std::exception_ptr const& error, std::size_t limit);
/// What such a frame says: never null.
std::exception_ptr read_failure(frame const& f);

}  // namespace procx::inline v1::detail
