#include "daemon/server_protocol.hpp"

#include <procx/error/exceptions.hpp>

#include <string>
#include <utility>

namespace procx::inline v1::detail {
namespace {

boost::asio::cancellation_type kind_of(std::span<std::byte const> payload) {
  using boost::asio::cancellation_type;
  if (payload.size() != 1) throw protocol_error("a cancellation has one byte");
  switch (std::to_integer<unsigned>(payload[0])) {
    case 1: return cancellation_type::total;
    case 2: return cancellation_type::partial;
    case 3: return cancellation_type::terminal;
    default: throw protocol_error("a cancellation of a kind that there is not");
  }
}

[[noreturn]] void refuse(char const* what) { throw protocol_error(std::string("a client ") + what); }

}  // namespace

server_protocol::server_protocol(greeting own, clock::time_point now)
    : until_(now + time_to_greet), hands_(std::move(own), handshake::demand::protocol, until_) {}

void server_protocol::on_frame(frame const& f, buffer& out, events& to) {
  if (state_ == state::greeting) {
    hands_.on_frame(f);
    hands_.check();
    if (hands_.other().frame_limit < least_frame_limit) refuse("takes only frames that are too small");
    state_ = state::opening;
    return;
  }
  bool const is_control = f.kind == frame_kind::message;
  if (state_ == state::opening && !(is_control && f.flags == static_cast<std::uint8_t>(control::open)))
    refuse("calls without having opened a session");
  switch (f.kind) {
    case frame_kind::message: return on_control(f, out, to);
    case frame_kind::acknowledge: return to.on_acknowledge(f.id);
    case frame_kind::end:
      state_ = state::half_closed;
      return to.on_end();
    case frame_kind::task: {
      if (state_ == state::half_closed) refuse("calls after it has said that it will not");
      std::span<std::byte const> arguments;
      call_head const head = read_call(f.payload, arguments);
      return to.on_call(f.id, head, arguments);
    }
    default: refuse("sends a frame that no client sends");
  }
}

void server_protocol::on_control(frame const& f, buffer& out, events& to) {
  switch (static_cast<control>(f.flags)) {
    case control::open: {
      if (state_ != state::opening) refuse("opens a second session");
      session_token const token = read_open(f.payload);
      state_ = state::open;
      return add_opened(out, to.on_open(token));
    }
    case control::cancel: return to.on_cancel(f.id, kind_of(f.payload));
    case control::ping: return add_control(out, control::pong, f.id);
    case control::pong: return;
    case control::stop: return to.on_stop();
    case control::hand_over: return to.on_hand_over();
    default: refuse("says what no client says");
  }
}

void server_protocol::on_time(clock::time_point now) const {
  if (!is_open() && now >= until_) throw connection_error("a client has not greeted in time");
}

void add_value(buffer& out, std::uint64_t id, std::span<std::byte const> value, std::size_t limit) {
  if (value.size() <= limit) return frame_writer(out).add(frame_kind::value, id, value);
  try {
    throw_too_large("a result", value.size(), limit);
  } catch (...) {
    add_failure(out, id, std::current_exception(), limit);
  }
}

}  // namespace procx::inline v1::detail
