#include "daemon/client_state.hpp"

#include "daemon/server_protocol.hpp"

#include <procx/detail/system/from_now.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <span>

#include <sys/random.h>
#include <sys/socket.h>

// Calls and threads; client_line.cpp has the connection.

namespace procx::inline v1::detail {
namespace {

/// A name gives the same token each time; without one it is random.
session_token token_for(connect_options const& options) {
  session_token token{};
  if (options.reconnect.count() <= 0 && options.session.empty()) return token;
  if (options.session.empty()) {
    if (::getrandom(token.data(), token.size(), 0) != static_cast<ssize_t>(token.size()))
      throw boost::system::system_error(errno, boost::system::system_category(), "getrandom");
    return token;
  }
  std::uint64_t const halves[]{name_hash(options.session), name_hash(options.session + "/procx session")};
  std::ranges::copy(std::as_bytes(std::span(halves)), token.begin());
  return token;
}

}  // namespace

client_core::state::state(std::filesystem::path const& at, connect_options const& options,
                          std::optional<boost::asio::any_io_executor> const& executor)
    : path_(std::filesystem::absolute(at)),
      frame_limit_(std::max(options.frame_limit, server_protocol::least_frame_limit)),
      reconnect_(options.reconnect),
      token_(token_for(options)),
      executor_(executor),
      limit_(frame_limit_),
      calls_(token_ != session_token{}) {}

client_core::state::~state() = default;

void client_core::state::check_ours() const {
  if (foreign()) throw error(errc::foreign_process, "the connection belongs to another process: this one has inherited it by a fork");
}

std::uint64_t client_core::state::begin(named_call const& call, std::unique_ptr<operation>&& op, bool on_loop, bool flushes) {
  check_ours();
  std::exception_ptr why;
  std::uint64_t id = 0;
  {
    lock l(mutex_);
    if (call.bytes.size() + call_head::size > limit_) throw_too_large("a call", call.bytes.size(), limit_);
    why = broken_;
    if (!why) {
      id = calls_.add({call.name, call.fingerprint}, call.bytes, std::move(op), on_loop, out_);
      if (flushes) write_now_or_soon(on_loop);
      if (on_loop) need_loop();
    }
  }
  if (why) std::exchange(op, nullptr)->complete({why, {}});
  return id;
}

/// Of many calls that nobody waits for, those made by handlers that run one after the other leave together.
void client_core::state::write_now_or_soon(bool on_loop) {
  if (!on_loop || calls_.on_loop() <= few) return write_out();
  if (std::exchange(writes_soon_, true)) return;
  made_context().post([weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self) return;
    lock const l(self->mutex_);
    self->writes_soon_ = false;
    self->write_out();
    if (self->sent_ < self->out_.size()) self->need_loop();
  });
}

void client_core::state::flush() {
  lock l(mutex_);
  write_out();
}

std::size_t client_core::state::window() {
  lock l(mutex_);
  return std::max<std::size_t>(calls_.window(), 1);
}

/// What does not leave at once leaves when the reader finds room.
void client_core::state::write_out() {
  if (!line_) return;
  while (sent_ < out_.size()) {
    ssize_t const n = ::send(line_->socket.get(), out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0) break;  // the reader sees the end
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > std::size_t{8} << 20) out_.release();
}

void client_core::state::wait(std::atomic<bool> const& done) {
  check_ours();
  lock l(mutex_);
  while (!done.load(std::memory_order_acquire)) {
    if (!reading_) {
      reading_ = true;
      read(l, patience::until_readable);
      reading_ = false;
      continue;
    }
    ++waiting_;
    bool const has_more = sent_ < out_.size();
    if (has_more && line_) {  // the reader may not know that there is something to send
      int const fd = line_->socket.get();
      l.unlock();
      pollfd room{fd, POLLOUT, 0};
      poll_until(std::span(&room, 1), from_now(std::chrono::milliseconds(100)));
      l.lock();
      write_out();
    } else {
      changed_.wait(l);
    }
    --waiting_;
  }
  leave_reading(l);
}

/// Somebody else is to read, if anybody has reason to.
void client_core::state::leave_reading(lock&) {
  if (reading_) return;
  if (waiting_ > 0) return changed_.notify_all();
  if (calls_.on_loop() > 0) need_loop();
}

void client_core::state::cancel(std::uint64_t id, boost::asio::cancellation_type how) {
  using type = boost::asio::cancellation_type;
  std::unique_ptr<operation> dropped;
  {
    lock l(mutex_);
    dropped = calls_.take_unsent(id);
    if (!dropped && open_) {
      bool const kills = (how & type::terminal) != type::none, asks = (how & type::partial) != type::none;
      std::byte const kind{static_cast<unsigned char>(kills ? 3 : asks ? 2 : 1)};
      add_control(out_, control::cancel, id, std::span(&kind, 1));
      write_out();
    }
  }
  if (dropped) dropped->complete({std::make_exception_ptr(task_cancelled()), {}});
}

void client_core::state::finish(std::uint64_t id, raw_result result) {
  std::unique_ptr<operation> op;
  {
    lock l(mutex_);
    op = calls_.take(id);
  }
  if (!op) return;  // it was cancelled meanwhile
  try {
    op->complete(std::move(result));
  } catch (std::bad_alloc const&) {
    // Its handler cannot be posted. The others are still to be told.
  }
}

void client_core::state::fail_all(std::vector<std::unique_ptr<operation>> all, std::exception_ptr const& why) noexcept {
  for (auto& op : all) try {
      if (op) op->complete({why, {}});
    } catch (...) {
      // As above.
    }
}

serial_context& client_core::state::context() {
  lock const l(mutex_);
  return made_context();
}

serial_context& client_core::state::made_context() {
  if (!context_) {
    auto made = std::make_unique<serial_context>(executor_);
    made->start();
    context_ = std::move(made);
  }
  return *context_;
}

/// A handler is to read, unless a thread does so already, and to write what did not leave at once.
void client_core::state::need_loop() {
  if (closing_) return;
  bool const writes = sent_ < out_.size() && !watching_room_;
  if ((watching_ || reading_) && !writes) return;
  if (!reading_) watching_ = true;
  if (writes) watching_room_ = true;
  made_context().post([weak = weak_from_this()] {
    if (auto const self = weak.lock()) self->watch();
  });
}

void client_core::state::watch() {
  lock l(mutex_);
  bool const reads = std::exchange(watching_, false) && calls_.on_loop() > 0 && !reading_;
  bool const writes = std::exchange(watching_room_, false) && sent_ < out_.size();
  if (closing_) return;
  if (!line_) return reads ? watch_later() : void();
  if (watched_number_ != line_number_) {
    if (watch_ && watch_->is_open()) watch_->release();
    watched_ = duplicate(line_->socket.get());  // the reader closes the other one
    watch_.emplace(context_->executor(), watched_.get());
    watched_number_ = line_number_;
  }
  if (reads) {
    watching_ = true;
    watch_->async_wait(stream::wait_read, handler(&state::on_readable));
  }
  if (writes) {
    watching_room_ = true;
    watch_->async_wait(stream::wait_write, handler(&state::on_writable));
  }
}

void client_core::state::on_writable() {
  lock l(mutex_);
  watching_room_ = false;
  write_out();
  if (sent_ < out_.size()) need_loop();
}

/// When it is time to connect again.
void client_core::state::watch_later() {
  watching_ = true;
  if (!timer_) timer_.emplace(context_->executor());
  timer_->expires_at(next_try_);
  timer_->async_wait(handler(&state::on_readable));
}

void client_core::state::on_readable() {
  lock l(mutex_);
  watching_ = false;
  if (closing_ || reading_) return;  // a reader that leaves has the loop watch again
  reading_ = true;
  read(l, patience::none);
  reading_ = false;
  leave_reading(l);
}

void client_core::state::shut(std::shared_ptr<state> self) noexcept {
  if (self->foreign()) {
    if (self->context_) self->context_->abandon();
    static_cast<void>(new std::shared_ptr<state>(std::move(self)));  // a copy in a forked child: it stays as it is
    return;
  }
  state& s = *self;
  {
    lock l(s.mutex_);
    s.closing_ = true;
    if (s.open_) try {
        frame_writer(s.out_).add(frame_kind::end, 0);
        s.write_out();
      } catch (std::bad_alloc const&) {
        // The end of the connection says it too.
      }
  }
  if (s.context_)
    s.context_->shut([&s] { s.end(); }, self);
  else
    s.end();
}

/// On the loop, or where there is none.
void client_core::state::end() noexcept {
  lock l(mutex_);
  if (watch_ && watch_->is_open()) watch_->release();
  if (timer_) timer_->cancel();
  auto left = calls_.take_all();
  line_.reset();
  l.unlock();
  if (!left.empty()) fail_all(std::move(left), std::make_exception_ptr(task_cancelled("the connection was closed")));
}

}  // namespace procx::inline v1::detail
