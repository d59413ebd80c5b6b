#include "daemon/client_state.hpp"

#include "channel/handover.hpp"
#include "system/descriptor.hpp"

#include <procx/detail/system/from_now.hpp>
#include <procx/error/exceptions.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include <sys/socket.h>

// How the reader of a connection connects and reads.

namespace procx::inline v1::detail {
namespace {

// Time limit for the greeting of the daemon. Generous: the machine may be overloaded.
constexpr std::chrono::seconds time_to_greet{20};
constexpr std::chrono::milliseconds between_tries{20};

}  // namespace

client_core::state::line::line(descriptor s, greeting own, session_token const& token, clock::time_point until)
    : socket(std::move(s)), protocol(own, token), reader(static_cast<std::size_t>(own.frame_limit)), greets_until(until) {}

/// Throws if there is nobody, or nobody who speaks this protocol.
void client_core::state::connect() {
  lock l(mutex_);
  reading_ = true;
  try {
    try_to_connect(l);
    while (!open_ && !broken_) read(l, patience::until_readable);
  } catch (...) {
    reading_ = false;
    throw;
  }
  reading_ = false;
  if (broken_) std::rethrow_exception(broken_);
}

void client_core::state::try_to_connect(lock& l) {
  l.unlock();
  std::unique_ptr<line> fresh;
  std::exception_ptr why;
  try {
    fresh = std::make_unique<line>(address(path_).connect(), greeting::own(image_fingerprint(), frame_limit_), token_,
                                   clock::now() + time_to_greet);
  } catch (...) {
    why = std::current_exception();
  }
  l.lock();
  if (why) std::rethrow_exception(why);
  line_ = std::move(fresh);
  ++line_number_;
  line_->protocol.greet(out_);
  write_out();
}

/// Once more, if it is time for that; else waits until it is, but not on the loop.
void client_core::state::wait_to_connect(lock& l) {
  try {
    try_to_connect(l);
  } catch (...) {
    next_try_ = clock::now() + between_tries;
    if (next_try_ > try_until_) break_line(l, std::current_exception(), true);
  }
}

void client_core::state::read(lock& l, patience how) {
  if (closing_) return;
  if (!line_) {
    if (how == patience::until_readable) {
      while (clock::now() < next_try_) changed_.wait_until(l, next_try_);
    }
    return wait_to_connect(l);
  }
  write_out();
  line& from = *line_;
  bool const wants_room = sent_ < out_.size();
  l.unlock();
  std::exception_ptr why;
  try {
    if (!receive(from, how, wants_room))
      why = std::make_exception_ptr(connection_error("the daemon at " + path_.string() + " has ended"));
    take_frames(from);
  } catch (boost::system::system_error const&) {
    why = std::current_exception();
  }
  l.lock();
  if (!from.answers.empty()) {
    out_.append(from.answers.data(), from.answers.size());
    from.answers.clear();
  }
  if (why) break_line(l, why);
  if (open_) calls_.send(out_);
  write_out();
  changed_.notify_all();
}

/// False at the end of the connection.
bool client_core::state::receive(line& from, patience how, bool wants_room) {
  int const fd = from.socket.get();
  bool const is_open = from.protocol.now() >= client_protocol::state::open;
  bool const blocks = how == patience::until_readable && is_open && !wants_room;
  if (how == patience::until_readable && !blocks) {
    pollfd ready{fd, static_cast<short>(POLLIN | (wants_room ? POLLOUT : 0)), 0};
    deadline const until = is_open ? std::nullopt : deadline(from.greets_until);
    if (!poll_until(std::span(&ready, 1), until)) throw connection_error(path_.string() + ": nobody has greeted in time");
    if (!(ready.revents & ~POLLOUT)) return true;
  }
  if (!is_open && clock::now() > from.greets_until) throw connection_error(path_.string() + ": nobody has greeted in time");
  auto const room = from.reader.prepare();
  for (;;) {
    ssize_t const n = ::recv(fd, room.data(), room.size(), blocks ? 0 : MSG_DONTWAIT);
    if (n > 0) from.reader.commit(static_cast<std::size_t>(n));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno == EINTR) continue;
    if (errno == ECONNRESET) return false;
    throw boost::system::system_error(errno, boost::system::system_category(), "cannot read from the daemon");
  }
}

void client_core::state::take_frames(line& from) {
  while (auto const f = from.reader.next()) from.protocol.on_frame(*f, from.answers, *this);
}

void client_core::state::on_opened(session_terms const& terms) {
  lock l(mutex_);
  open_ = true;
  limit_ = line_->protocol.frame_limit();
  calls_.open(terms);
}

void client_core::state::on_value(std::uint64_t id, std::span<std::byte const> value) {
  finish(id, {nullptr, value});
  acknowledge(id);
}

void client_core::state::on_failure(std::uint64_t id, std::exception_ptr error) {
  finish(id, {std::move(error), {}});
  acknowledge(id);
}

/// The daemon need not keep the answer any more.
void client_core::state::acknowledge(std::uint64_t id) {
  if (token_ != session_token{}) frame_writer(line_->answers).add(frame_kind::acknowledge, id);
}

/// The end of the connection is the last thing that the daemon's process does.
void client_core::state::stop_daemon() {
  lock l(mutex_);
  reading_ = true;
  is_last_ = true;
  add_control(out_, control::stop);
  while (!broken_) read(l, patience::until_readable);
  reading_ = false;
}

void client_core::state::on_end(bool all_answered) {
  lock l(mutex_);
  open_ = false;
  none_has_run_ = all_answered;
}

/// The connection is of no use any more. If the daemon has said that it has not run what it has not answered, another
/// one may be there already, and gets all of it. Else what may not be sent again fails.
void client_core::state::break_line(lock& l, std::exception_ptr why, bool for_good) {
  bool const was_connected = line_ != nullptr, none_has_run = std::exchange(none_has_run_, false);
  line_.reset();
  open_ = false;
  out_.clear();
  sent_ = 0;
  auto const now = clock::now();
  if (was_connected) try_until_ = from_now(reconnect_);
  bool const again = !closing_ && !is_last_ && !for_good && (reconnect_.count() > 0 || none_has_run);
  std::vector<std::unique_ptr<operation>> lost;
  if (again) {
    lost = calls_.close(none_has_run);
    next_try_ = now;
  } else {
    lost = calls_.take_all();
    broken_ = why;
  }
  l.unlock();
  fail_all(std::move(lost), why);
  l.lock();
}

}  // namespace procx::inline v1::detail
