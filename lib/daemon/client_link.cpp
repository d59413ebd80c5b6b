#include "daemon/client_link.hpp"

#include "system/fd_passing.hpp"

#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

client_link::client_link(link_owner& owner, boost::asio::any_io_executor const& executor, descriptor socket,
                         greeting const& own)
    : owner_(owner),
      wire_(std::move(socket), static_cast<std::size_t>(own.frame_limit)),
      watch_(executor),
      protocol_(own, server_protocol::clock::now()) {}

client_link::~client_link() {
  leave_session();
  if (watch_.is_open()) watch_.release();
}

void client_link::start() {
  guarded([this] {
    watch_.assign(wire_.in_fd());
    protocol_.greet(wire_.out());
    flush();
    read();
  });
}

/// Whatever goes wrong with this client ends its connection, and nothing else.
template <class F>
void client_link::guarded(F f) noexcept {
  if (over_) return;
  try {
    f();
  } catch (...) {
    close();
  }
}

void client_link::close() noexcept {
  if (std::exchange(over_, true)) return;
  leave_session();
  if (watch_.is_open()) watch_.release();
  wire_.close();
  owner_.on_over(*this);
}

void client_link::leave_session() noexcept {
  if (!session_) return;
  session_->set_link(nullptr);
  former_session_ = std::exchange(session_, nullptr);
}

void client_link::on_time(server_protocol::clock::time_point now) {
  guarded([&] { protocol_.on_time(now); });
}

void client_link::read() {
  wire_.fill();
  take();
  wait_for_input();
}

/// Takes in what has arrived, as far as there is room for it.
void client_link::take() {
  if (std::exchange(taking_, true)) return;  // answers that come at once are no reason to begin again
  bool any = session_ && session_->feed();
  try {
    while (may_take()) {
      auto const f = wire_.next();
      if (!f) break;
      protocol_.on_frame(*f, wire_.out(), *this);
      if (protocol_.is_open() && std::exchange(to_be_opened_, false)) frame_writer(wire_.out()).add(frame_kind::end, 0);
      any = true;
    }
  } catch (...) {
    taking_ = false;
    throw;
  }
  taking_ = false;
  if (!protocol_.is_open() && wire_.unread() > server_protocol::longest_greeting + frame_header::size)
    throw protocol_error("a client greets with too many bytes");
  if (any) owner_.pump();
  flush();
}

void client_link::wait_for_input() {
  if (reading_ || over_ || wire_.ended() || !may_take()) return;
  reading_ = true;
  watch_.async_wait(stream::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired()) return;
    reading_ = false;
    guarded([this] { read(); });
  });
}

void client_link::flush() {
  if (writing_ || over_) return;
  if (!wire_.flush()) return wait_for_room();
  close_if_done();
}

void client_link::wait_for_room() {
  writing_ = true;
  watch_.async_wait(stream::wait_write, [this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired()) return;
    writing_ = false;
    guarded([this] {
      flush();
      if (!over_) take();
      wait_for_input();
    });
  });
}

void client_link::on_progress() {
  guarded([this] {
    take();
    wait_for_input();
  });
}

/// A client that has said `end` and closed its side still gets its answers; one that has only closed it is gone.
void client_link::close_if_done() {
  bool const all_read = wire_.ended() && (!wire_.has_next() || finishing_);
  if (wire_.broken() || (all_read && !has_said_end())) return close();
  if (!(has_said_end() || finishing_) || !is_finished()) return;
  if (finishing_ && protocol_.is_open() && !std::exchange(farewell_said_, true)) {
    frame_writer(wire_.out()).add(frame_kind::end, 0, {}, all_is_answered);
    return flush();
  }
  if (!asked_to_stop_) return close();
  owner_.on_drained();
}

bool client_link::is_finished() const {
  return over_ || (!to_be_opened_ && (!session_ || session_->idle()) && unsent() == 0);
}

void client_link::finish(bool at_once) {
  guarded([&] {
    if (std::exchange(finishing_, true)) return;
    to_be_opened_ = !protocol_.is_open() && !at_once;
    if (protocol_.is_open()) frame_writer(wire_.out()).add(frame_kind::end, 0);
    if (!to_be_opened_) flush();
  });
}

/// A client that was met shortly before the daemon finishes learns of that when it has opened its session.
bool client_link::may_take() const noexcept {
  if (over_) return false;
  if (!protocol_.is_open()) return true;
  return !finishing_ && (!session_ || session_->may_take());
}

bool client_link::pass(std::span<int const> descriptors) {
  if (!wire_.flush()) return false;
  buffer frame;
  add_control(frame, control::handed_over);
  return send_packet(wire_.out_fd(), frame, descriptors);
}

session_terms client_link::on_open(session_token const& token) {
  session_terms terms;
  session_ = owner_.session_for(token, *this, terms);
  session_->set_link(this);
  return terms;
}

void client_link::on_call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) {
  session_->call(id, head, arguments);
}

void client_link::on_stop() {
  asked_to_stop_ = true;
  owner_.on_stop();
}

}  // namespace procx::inline v1::detail
