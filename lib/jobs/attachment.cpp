#include "jobs/attachment.hpp"

#include "system/io.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include <poll.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::uint64_t status_id = 1, wait_id = 2;

}  // namespace

std::optional<job_status> attachment::follow(job_line& line) {
  begin(line);
  while (!ended_ && !detached_) {
    if (!follows_ && log_->position() >= known_) {
      add_word(line.out(), job_word::follow, log_->position());
      follows_ = true;
    }
    line.flush();
    wait(line);
    take_news(line);
    if (window_changed_) send_window(line);
    if (input_ready_) send_input(line);
    if (!log_->copy_until(known_)) detached_ = true;
    if (line.ended() && !ended_) return std::nullopt;
  }
  if (ended_) return status_of(at_, *ended_, true);
  line.flush();
  add_word(line.out(), job_word::status, status_id);
  auto const r = line.await_state(status_id, std::nullopt);
  return r ? std::optional(status_of(at_, *r, true)) : std::nullopt;
}

void attachment::begin(job_line& line) {
  follows_ = false;
  sent_ = acknowledged_ = 0;
  if (!log_) log_.emplace(at_, options_.output, options_.from_now);
  input_ended_ = options_.input < 0;
  if (options_.window) send_window(line);
  add_word(line.out(), job_word::wait, wait_id);
}

void attachment::wait(job_line& line) {
  std::array<pollfd, 3> fds{{{line.fd(), static_cast<short>(POLLIN | (line.has_unsent() ? POLLOUT : 0)), 0},
                             {may_send() && !line.has_unsent() ? options_.input : -1, POLLIN, 0},
                             {options_.window ? options_.window_changed : -1, POLLIN, 0}}};
  poll_until(fds, std::nullopt);
  input_ready_ = fds[1].revents != 0;
  window_changed_ = fds[2].revents != 0;
}

void attachment::take_news(job_line& line) {
  line.flush();
  line.fill();
  while (auto const f = line.next()) {
    if (f->kind == frame_kind::acknowledge) acknowledged_ = f->id;
    if (f->kind != frame_kind::message) continue;
    switch (static_cast<job_word>(f->flags)) {
      case job_word::output:
        known_ = std::max(known_, f->id);
        follows_ = false;
        break;
      case job_word::state:
        ended_ = parse_record(f->payload);
        known_ = ended_->output;
        break;
      default: throw protocol_error("a supervisor says what no supervisor says");
    }
  }
}

void attachment::send_window(job_line& line) {
  std::array<std::byte, 4096> events;
  if (window_changed_) (void)!::read(options_.window_changed, events.data(), events.size());
  window_size const size = options_.window();
  add_word(line.out(), job_word::window, std::uint64_t{size.rows} << 16 | size.columns);
}

void attachment::send_input(job_line& line) {
  std::array<std::byte, 32 * 1024> piece;
  auto const most = std::min<std::uint64_t>(piece.size(), most_input - (sent_ - acknowledged_));
  auto const r = read_some(options_.input, std::span(piece).first(static_cast<std::size_t>(most)));
  if (r.would_block) return;
  if (r.end || r.error) return end_input(line);
  std::size_t size = r.bytes;
  if (options_.detach_key)
    if (void const* const key = std::memchr(piece.data(), *options_.detach_key, size)) {
      size = static_cast<std::size_t>(static_cast<std::byte const*>(key) - piece.data());
      detached_ = true;
    }
  if (size > 0) add_word(line.out(), job_word::input, 0, std::span(piece).first(size));
  sent_ += size;
}

void attachment::end_input(job_line& line) {
  input_ended_ = true;
  frame_writer(line.out()).add(frame_kind::end, 0);
}

attach_result attachment::finish(job_status const& s) {
  if (detached_) return {s, s.state == job_state::running};
  if (!log_) log_.emplace(at_, options_.output, options_.from_now);
  std::uint64_t const all = s.state == job_state::ended ? s.output : std::numeric_limits<std::int64_t>::max();
  bool const read = log_->copy_until(all);
  return {s, !read && s.state == job_state::running};
}

}  // namespace procx::inline v1::detail
