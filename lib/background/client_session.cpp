#include "background/client_session.hpp"

#include "channel/handover.hpp"

#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

client_session::client_session(descriptor socket, clock::time_point now)
    : until_(now + time_to_greet),
      wire_(std::move(socket), most_said),
      hands_(greeting::own(image_fingerprint(), default_frame_limit), handshake::demand::machine, until_) {
  hands_.write(wire_.out());
  wire_.flush();
}

pollfd client_session::waits_for() const noexcept {
  return {wire_.in_fd(), static_cast<short>(POLLIN | (all_has_left() ? 0 : POLLOUT)), 0};
}

/// Acknowledgements that a client sent before it died count: reads to the end even if the client cannot be written to.
void client_session::pump(clock::time_point now) try {
  wire_.flush();
  while (wire_.fill()) understand();
  over_ = wire_.ended() || wire_.broken();
  hands_.on_time(now);
  hands_.check();
} catch (boost::system::system_error const&) {
  over_ = true;  // protocol violation, no greeting in time, or a read error
}

void client_session::understand() {
  while (auto const f = wire_.next()) {
    if (awaits_greeting()) {
      hands_.on_frame(*f);
      hands_.check();
    } else if (f->kind == frame_kind::acknowledge) {
      acknowledged(f->id);
    } else {
      throw protocol_error("a client says what no client says");
    }
  }
}

void client_session::acknowledged(std::uint64_t id) {
  if (held_.empty() || held_.front().id != id) throw protocol_error("a client acknowledges what it was not given");
  held_bytes_ -= held_.front().payload.size();
  held_.pop_front();
}

bool client_session::has_room() const noexcept {
  if (over_ || end_said_ || !greeted()) return false;
  return held_.empty() || (held_.size() < most_held && held_bytes_ < most_bytes_held);
}

void client_session::give(kept_result r) {
  frame_writer(wire_.out()).add(r.kind, r.id, r.payload, r.flags | wants_acknowledge);
  held_bytes_ += r.payload.size();
  held_.push_back(std::move(r));
}

void client_session::say_end() {
  if (end_said_ || over_) return;
  frame_writer(wire_.out()).add(frame_kind::end, 0);
  end_said_ = true;
  wire_.flush();
}

}  // namespace procx::inline v1::detail
