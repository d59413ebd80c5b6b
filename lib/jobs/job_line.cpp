#include "jobs/job_line.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/system/system_error.hpp>

#include <array>
#include <chrono>

#include <poll.h>

namespace procx::inline v1::detail {
namespace {

// Time limit for the greeting of the supervisor. Generous: the machine may be overloaded.
constexpr std::chrono::seconds time_to_greet{20};
constexpr std::size_t frame_limit = std::size_t{16} << 20;  // a long command line fits

}  // namespace

job_line::job_line(address const& at) : wire_(at.connect(), frame_limit) { greet(); }

void job_line::greet() {
  auto const until = std::chrono::steady_clock::now() + time_to_greet;
  handshake hands(greeting::own(0, frame_limit), handshake::demand::protocol, until);
  hands.write(wire_.out());
  wire_.flush();
  while (hands.now() == handshake::state::awaiting) {
    if (auto const f = wire_.next())
      hands.on_frame(*f);
    else if (ended())
      hands.on_end();
    else if (!wait(until))
      hands.on_time(std::chrono::steady_clock::now());
  }
  hands.check();
}

/// For the supervisor to say something; false once the time is up.
bool job_line::wait(deadline until) {
  std::array<pollfd, 1> one{{{wire_.in_fd(), static_cast<short>(POLLIN | (has_unsent() ? POLLOUT : 0)), 0}}};
  if (!poll_until(one, until)) return false;
  wire_.flush();
  fill();
  return true;
}

/// A supervisor that leaves with something unread resets the connection.
void job_line::fill() try {
  wire_.fill();
} catch (boost::system::system_error const&) {
  broken_ = true;
}

std::optional<job_record> job_line::await_state(std::uint64_t id, deadline until) {
  wire_.flush();
  for (;;) {
    while (auto const f = wire_.next())
      if (f->kind == frame_kind::message && static_cast<job_word>(f->flags) == job_word::state && f->id == id)
        return parse_record(f->payload);
    if (ended() || !wait(until)) return std::nullopt;
  }
}

}  // namespace procx::inline v1::detail
