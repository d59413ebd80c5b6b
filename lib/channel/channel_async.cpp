#include "channel/channel_async.hpp"

#include "channel/channel_core.hpp"
#include "process/process_state.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace procx::inline v1::detail {
namespace asio = boost::asio;
namespace {

std::exception_ptr failure(boost::system::error_code code) {
  return std::make_exception_ptr(boost::system::system_error(code));
}

}  // namespace

boost::system::error_code code_of(std::exception_ptr const& error) noexcept {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (boost::system::system_error const& e) {
    return e.code();
  } catch (sequence_error const&) {
    return make_error_code(boost::system::errc::operation_not_permitted);
  } catch (std::bad_alloc const&) {
    return make_error_code(boost::system::errc::not_enough_memory);
  } catch (...) {
    return errc::protocol_error;
  }
}

channel_async::channel_async(channel_core& core)
    : core_(core),
      executor_(*core.executor()),
      in_{asio::posix::stream_descriptor(executor_), asio::posix::stream_descriptor::wait_read},
      out_{asio::posix::stream_descriptor(executor_), asio::posix::stream_descriptor::wait_write},
      pid_{asio::posix::stream_descriptor(executor_), asio::posix::stream_descriptor::wait_read},
      err_{asio::posix::stream_descriptor(executor_), asio::posix::stream_descriptor::wait_read},
      dying_(executor_) {}

channel_async::~channel_async() {
  alive_.reset();
  for (watch* w : {&in_, &out_, &pid_, &err_})
    if (w->descriptor.is_open()) w->descriptor.release();  // the descriptors are the core's
  fail_all(failure(asio::error::operation_aborted));
}

std::uint64_t channel_async::start_send(std::unique_ptr<operation>&& op) {
  sends_.push_back({next_id_, nullptr, core_.wire().queued_bytes(), core_.last_sent()});
  sends_.back().op = std::move(op);  // there is memory for it
  progress();
  return next_id_++;
}

std::uint64_t channel_async::start_receive(std::unique_ptr<operation>&& op) {
  if (receive_) {
    op->complete({failure(errc::busy), {}});
    return 0;
  }
  receive_ = pending{next_id_, std::move(op)};
  progress();
  return next_id_++;
}

std::uint64_t channel_async::start_wait(std::unique_ptr<operation>&& op) {
  if (wait_ || !core_.child()) {
    op->complete({failure(errc::busy), {}});
    return 0;
  }
  wait_ = pending{next_id_, std::move(op)};
  core_.send_end();
  progress();
  return next_id_++;
}

void channel_async::cancel(std::uint64_t id) {
  auto const aborted = failure(asio::error::operation_aborted);
  std::unique_ptr<operation> op;
  if (receive_ && receive_->id == id) {
    op = std::move(receive_->op);
    receive_.reset();
  } else if (wait_ && wait_->id == id) {
    op = std::move(wait_->op);
    wait_.reset();
  } else {
    auto const found = std::ranges::find(sends_, id, &pending::id);
    if (found == sends_.end()) return;
    op = std::move(found->op);
    sends_.erase(found);
  }
  op->complete({aborted, {}});
  rearm();
}

void channel_async::progress() noexcept {
  try {
    core_.check_owner();
    core_.pump_wire();
    // What is being watched has nothing to say: these would be two or three system calls for each operation.
    if (core_.child() && !err_.armed) core_.drain_stderr();
    if (core_.child() && (!pid_.armed || core_.wire().ended())) core_.note_end_of_process();
    progress_sends();
    progress_receive();
    progress_wait();
    rearm();
  } catch (...) {
    fail_all(std::current_exception());
  }
}

void channel_async::progress_sends() {
  send_is_hopeless_ = false;
  bool const broken = core_.wire().broken() || core_.gone();
  if (core_.acknowledged() && !sends_.empty()) core_.accept_arrived();  // acknowledgements are among the messages
  while (!sends_.empty()) {
    pending& next = sends_.front();
    bool const left = core_.wire().flushed_bytes() >= next.position;
    bool const received = !core_.acknowledged() || core_.last_acknowledged() >= next.value;
    bool const complete = left && received;
    bool const hopeless = !complete && (broken || (left && (core_.wire().ended() || core_.gone())));
    if (!hopeless && !complete) return;
    std::exception_ptr why;
    if (hopeless) {
      why = core_.why_over(std::chrono::steady_clock::now());
      send_is_hopeless_ = !why && !given_up_;
      if (send_is_hopeless_) return;  // how the process has ended will be known in a moment
      if (!why) why = failure(errc::end_of_channel);
    }
    auto op = std::move(next.op);
    sends_.pop_front();
    op->complete({std::move(why), {}});
  }
}

void channel_async::progress_receive() {
  if (!receive_) return;
  raw_result result;
  try {
    if (auto const bytes = core_.take()) {
      result.bytes = *bytes;
    } else if (core_.over()) {
      result.error = core_.why_over(std::chrono::steady_clock::now());
      if (!result.error && given_up_) result.error = std::make_exception_ptr(end_of_channel());
      if (!result.error) return;
    } else {
      return;
    }
  } catch (...) {
    result.error = std::current_exception();
  }
  auto op = std::move(receive_->op);
  receive_.reset();
  op->complete(result);
}

void channel_async::progress_wait() {
  if (!wait_) return;
  if (!receive_) core_.take_in_or_throw_away();
  if (core_.acknowledged()) core_.accept_arrived();  // all that is in: the process may wait for word of the last of it
  if (core_.wire().out_open() && core_.wire().flush() && !core_.owes_acknowledgements()) {
    arm(out_, -1, false);  // before the descriptor goes
    core_.wire().close_out();
  }
  if (!core_.child().try_wait()) return;
  auto op = std::move(wait_->op);
  wait_.reset();
  op->complete({});
}

void channel_async::fail_all(std::exception_ptr const& error) {
  auto const fail = [&](pending& p) {
    try {
      p.op->complete({error, {}});
    } catch (std::bad_alloc const&) {  // its handler cannot be posted; the others are to be told all the same
    }
  };
  std::ranges::for_each(std::exchange(sends_, {}), fail);
  if (auto r = std::exchange(receive_, std::nullopt)) fail(*r);
  if (auto w = std::exchange(wait_, std::nullopt)) fail(*w);
}

void channel_async::rearm() {
  bool const any = !idle();
  bool const lives = core_.child() && !core_.child().state()->status();
  arm(in_, core_.wire().in_fd(), any && (core_.may_read() || (wait_ && !core_.wire().ended())));
  bool const to_write = core_.wire().queued_bytes() > core_.wire().flushed_bytes() && !core_.wire().broken();
  arm(out_, any && to_write ? out_fd() : -1, any && to_write);
  arm(pid_, core_.child().pidfd(), any && lives);
  arm(err_, lives ? core_.child().state()->errors().fd() : -1, any && lives);
  bool const waits_for_its_end = (send_is_hopeless_ && !sends_.empty()) || (receive_ && core_.over());
  arm_timer(waits_for_its_end && lives && !given_up_);
}

int channel_async::out_fd() {
  if (core_.wire().out_fd() != core_.wire().in_fd()) return core_.wire().out_fd();
  if (!out_copy_) out_copy_ = duplicate(core_.wire().out_fd());
  return out_copy_.get();
}

void channel_async::arm(watch& w, int fd, bool wanted) {
  if (fd < 0) {
    if (w.descriptor.is_open()) w.descriptor.release();  // cancels the wait
    return;
  }
  if (!wanted) {  // it stays registered for the next operation
    if (w.armed) w.descriptor.cancel();
    return;
  }
  if (w.armed) return;
  if (!w.descriptor.is_open()) w.descriptor.assign(fd);
  w.armed = true;
  w.descriptor.async_wait(w.what, [this, &w, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (alive.expired()) return;
    w.armed = false;
    if (cancelled)
      rearm();  // an operation may have begun meanwhile
    else
      progress();
  });
}

void channel_async::arm_timer(bool wanted) {
  if (!wanted && dying_armed_) dying_.cancel();  // an io_context must not wait for it when nobody else does
  if (!wanted || dying_armed_) return;
  dying_armed_ = true;
  dying_.expires_after(channel_core::dying_time);
  dying_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (alive.expired()) return;
    dying_armed_ = false;
    given_up_ = given_up_ || !cancelled;
    progress();
  });
}

}  // namespace procx::inline v1::detail
