#include "daemon/client_protocol.hpp"

#include <procx/detail/wire/value_series.hpp>
#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

client_protocol::client_protocol(greeting own, session_token const& token)
    : hands_(std::move(own), handshake::demand::protocol), token_(token) {}

void client_protocol::greet(buffer& out) const {
  hands_.write(out);
  add_open(out, token_);
}

void client_protocol::on_frame(frame const& f, buffer& out, events& to) {
  if (state_ == state::greeting) {
    hands_.on_frame(f);
    hands_.check();
    state_ = state::opening;
    return;
  }
  if (f.kind == frame_kind::message) return on_control(f, out, to);
  if (f.kind == frame_kind::end) {
    state_ = state::ending;
    return to.on_end(f.flags & all_is_answered);
  }
  if (state_ == state::opening) throw protocol_error("what listens there is no daemon: it sends without having been asked");
  switch (f.kind) {
    case frame_kind::value: return to.on_value(f.id, f.payload);
    case frame_kind::exception: return to.on_failure(f.id, read_failure(f));
    case frame_kind::values: {
      auto const values = value_series::of(f);
      for (std::size_t i = 0; i < values.count; ++i) to.on_value(values.id + i, values.payload(i));
      return;
    }
    default: throw protocol_error("a daemon sends a frame that no daemon sends");
  }
}

void client_protocol::on_control(frame const& f, buffer& out, events& to) {
  switch (static_cast<control>(f.flags)) {
    case control::opened:
      if (state_ != state::opening) throw protocol_error("a daemon opens a session that was not asked for");
      state_ = state::open;
      return to.on_opened(read_opened(f.payload));
    case control::ping: return add_control(out, control::pong, f.id);
    case control::pong: return;
    default: throw protocol_error("a daemon says what no daemon says");
  }
}

}  // namespace procx::inline v1::detail
