#include "jobs/job_session.hpp"

#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

job_session::job_session(descriptor socket, std::uint64_t number, clock::time_point now)
    : number_(number),
      until_(now + time_to_greet),
      wire_(std::move(socket), most_said),
      hands_(greeting::own(0, most_said), handshake::demand::protocol, until_) {
  hands_.write(wire_.out());
  wire_.flush();
}

pollfd job_session::waits_for() const noexcept {
  return {wire_.in_fd(), static_cast<short>(POLLIN | (all_has_left() ? 0 : POLLOUT)), 0};
}

void job_session::pump(clock::time_point now, job_requests& to) try {
  wire_.flush();
  while (wire_.fill()) understand(to);
  if (wire_.queued_bytes() - wire_.flushed_bytes() > most_unsent) throw protocol_error("a client asks, and does not listen");
  over_ = wire_.ended() || wire_.broken();
  hands_.on_time(now);
  hands_.check();
} catch (boost::system::system_error const&) {
  over_ = true;  // protocol violation, no greeting in time, or a read error
}

void job_session::understand(job_requests& to) {
  while (auto const f = wire_.next()) {
    if (awaits_greeting()) {
      hands_.on_frame(*f);
      hands_.check();
    } else if (f->kind == frame_kind::end) {
      to.on_end_of_input();
    } else if (f->kind == frame_kind::message) {
      on_word(*f, to);
    } else {
      throw protocol_error("a client says what no client says");
    }
  }
}

void job_session::on_word(frame const& f, job_requests& to) {
  switch (static_cast<job_word>(f.flags)) {
    case job_word::status: return add_state(wire_.out(), f.id, to.now());
    case job_word::wait: return want(ended_wanted_, f.id);
    case job_word::follow: follows_ = f.id; return;
    case job_word::window: {
      return to.on_window({static_cast<std::uint16_t>(f.id >> 16), static_cast<std::uint16_t>(f.id)});
    }
    case job_word::stop:
      to.on_stop(read_stop(f.payload));
      return want(empty_wanted_, f.id);
    case job_word::input:
      input_ += f.payload.size();
      if (input_ - taken_ > most_input) throw protocol_error("a client sends more input than it may");
      return to.on_input(*this, f.payload);
    default: throw protocol_error("a client says what no client says");
  }
}

void job_session::want(std::vector<std::uint64_t>& list, std::uint64_t id) {
  if (list.size() >= most_wanted) throw protocol_error("a client asks for too much");
  list.push_back(id);
}

void job_session::acknowledge(std::size_t bytes) {
  taken_ += bytes;
  frame_writer(wire_.out()).add(frame_kind::acknowledge, taken_);
}

void job_session::tell_output(std::uint64_t size) {
  if (!follows_ || size <= *follows_) return;
  follows_.reset();
  add_word(wire_.out(), job_word::output, size);
}

void job_session::tell(std::vector<std::uint64_t>& wanted, job_record const& r) {
  for (std::uint64_t const id : std::exchange(wanted, {})) add_state(wire_.out(), id, r);
}

}  // namespace procx::inline v1::detail
