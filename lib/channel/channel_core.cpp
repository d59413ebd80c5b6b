#include "channel/channel_core.hpp"

#include "channel/channel_async.hpp"
#include "channel/handover.hpp"
#include "process/process_state.hpp"
#include "system/generation.hpp"

#include <array>
#include <new>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// What may pile up untaken while this side waits for something else; beyond it the other side must wait.
constexpr std::size_t read_ahead = std::size_t{64} << 20;

}  // namespace

channel_core::channel_core(endpoint wire, process child, bool acknowledged)
    : generation_(generation()),
      wire_(std::move(wire)),
      child_(std::move(child)),
      created_side_(false),
      acknowledged_(acknowledged) {}

channel_core::channel_core(endpoint wire, bool acknowledged)
    : generation_(generation()), wire_(std::move(wire)), created_side_(true), acknowledged_(acknowledged) {}

channel_core::channel_core(pid_t shown_as)
    : generation_(generation()),
      wire_(default_frame_limit),
      created_side_(false),
      acknowledged_(false),
      end_seen_(true),
      shown_as_(shown_as) {}

void channel_core::offer(encoded_value const& value) {
  offered_ = value;
}

void channel_core::withdraw_offers() noexcept {
  offered_.reset();
  offered_failure_ = nullptr;
}

channel_core::~channel_core() {
  if (foreign()) {
    (void)async_.release();  // its reactor is the parent's
    return;
  }
  async_.reset();
  close();
}

unsigned channel_core::generation_now() noexcept { return generation(); }

channel_async& channel_core::async() {
  if (!async_) async_ = std::make_unique<channel_async>(*this);
  return *async_;
}

void channel_core::end_async() noexcept { async_.reset(); }

void channel_core::check_owner() const {
  if (foreign())
    throw error(errc::foreign_process, "the channel belongs to another process: this one has inherited it by a fork");
}

buffer& channel_core::begin_send() {
  check_owner();
  if (end_sent_ || !wire_.out_open()) throw end_of_channel("the channel is closed at this end");
  writer_.begin();
  return wire_.out();
}

void channel_core::commit_send() {
  writer_.finish(frame_kind::value, ++last_id_, wire_.frame_limit(), acknowledged_ ? wants_acknowledge : 0);
}

void channel_core::flush_blocking() {
  std::uint64_t const id = last_id_;
  while (!wire_.flush()) {
    if (gone_) throw_over();  // a copy that it forked keeps the channel open, and reads nothing
    wait_io(std::nullopt);
  }
  while (acknowledged_ && acked_ < id && !wire_.broken()) {
    stash_arrived();
    if (acked_ >= id) return;
    if (wire_.ended() || gone_) throw_over();  // whoever only sends nothing more still acknowledges
    wait_io(std::nullopt);
  }
  if (wire_.broken()) throw_over();
}

void channel_core::send_exception(std::exception_ptr const& error) noexcept {
  if (foreign() || end_sent_ || !wire_.out_open()) return;
  try {
    exception_record const record = describe_exception(error);
    writer_.begin();
    std::size_t const before = wire_.out().size();
    encode(wire_.out(), record);
    if (wire_.out().size() - before > wire_.frame_limit()) {
      writer_.abandon();
      writer_.begin();
      encode(wire_.out(), shortened(record, wire_.frame_limit()));
    }
    writer_.finish(frame_kind::exception, ++last_id_, wire_.frame_limit());
  } catch (...) {
    writer_.abandon();
  }
}

void channel_core::send_end() noexcept {
  if (foreign() || end_sent_ || !wire_.out_open()) return;
  end_sent_ = true;
  try {
    writer_.add(frame_kind::end, 0);
    wire_.flush();
  } catch (...) {
  }
}

std::optional<frame> channel_core::next_message() {
  while (auto f = wire_.next()) {
    if (greeting_) {
      understand_greeting(*f);
      continue;
    }
    switch (f->kind) {
      case frame_kind::value:
        if (f->flags & wants_acknowledge) {
          writer_.add(frame_kind::acknowledge, f->id);
          wire_.flush();
        }
        return f;
      case frame_kind::exception: return f;
      case frame_kind::acknowledge: acked_ = f->id; break;
      case frame_kind::end: end_seen_ = true; break;
      default: throw protocol_error("a frame arrived that has no meaning on a channel");
    }
  }
  return std::nullopt;
}

void channel_core::greet(handshake h) {
  h.write(wire_.out());
  greeting_ = std::move(h);
}

void channel_core::understand_greeting(frame const& f) {
  greeting_->on_frame(f);
  greeting_->check();
  greeting_.reset();
}

void channel_core::stash(frame const& f) {
  stash_.push_back({f.kind, f.flags, f.id, buffer(f.payload)});
  stash_bytes_ += f.payload.size();
}

void channel_core::stash_arrived() {
  while (!thrown_away_ && (untaken() < read_ahead || stash_.empty())) {
    auto const f = next_message();
    if (!f) return;
    stash(*f);
  }
}

void channel_core::accept_arrived() {
  try {
    stash_arrived();
  } catch (protocol_error const&) {
    // `receive` will meet it again, and say so.
  }
}

bool channel_core::has_message() {
  if (offered_ || !stash_.empty()) return true;
  if (auto f = next_message()) stash(*f);
  return !stash_.empty();
}

std::optional<encoded_value> channel_core::take() {
  if (offered_) return std::exchange(offered_, std::nullopt);
  std::optional<frame> f;
  if (!stash_.empty()) {
    current_ = std::move(stash_.front());
    stash_.pop_front();
    stash_bytes_ -= current_->payload.size();
    f = frame{current_->kind, current_->flags, current_->id, current_->payload};
  } else {
    f = next_message();
  }
  if (!f && offered_failure_) std::rethrow_exception(std::exchange(offered_failure_, nullptr));
  if (!f) return std::nullopt;
  if (f->kind == frame_kind::exception) throw remote_exception(decode<exception_record>(f->payload));
  return f->payload;
}

std::exception_ptr channel_core::why_over(deadline until) {
  if (thrown_away_)
    return std::make_exception_ptr(
        end_of_channel("what came last was thrown away: so much came while the end of the process was awaited"));
  if (end_seen_ || !child_) return std::make_exception_ptr(end_of_channel());
  auto const status = child_.state()->wait_until(until);
  if (!status) return nullptr;
  if (status->success()) return std::make_exception_ptr(end_of_channel());
  return std::make_exception_ptr(process_died(child_.state()->certificate()));
}

void channel_core::throw_over() {
  auto const now = std::chrono::steady_clock::now();
  auto const why = why_over(given_up ? now : now + dying_time);
  if (why) std::rethrow_exception(why);
  throw end_of_channel("the process has closed its channel, and runs on");
}

void channel_core::pump() {
  drain_stderr();
  pump_wire();
}

void channel_core::pump_wire() {
  wire_.flush();
  if (may_read()) wire_.fill();
}

bool channel_core::may_read() const {
  return !wire_.ended() && (untaken() < read_ahead || (stash_.empty() && !wire_.has_next()));
}

void channel_core::take_in_or_throw_away() {
  if (!thrown_away_ && may_read()) {
    try {
      wire_.fill();
      return;
    } catch (std::bad_alloc const&) {
      // What is there stays; for more there is no memory.
    }
  }
  if (wire_.ended()) return;
  thrown_away_ = true;
  try {
    if (!acknowledged_) return wire_.throw_away();
    while (next_message()) {}  // or the process would wait for word that they were received
    wire_.fill();
  } catch (protocol_error const&) {
    wire_.throw_away();
  }
}

void channel_core::drain_stderr() {
  if (child_ && !child_.state()->status()) child_.state()->errors().drain();
}

bool channel_core::wait_io(deadline until) {
  if (child_ && child_.state()->status() && !gone_) return note_end_of_process(), true;
  bool const reads = may_read();
  bool const to_write = wire_.queued_bytes() > wire_.flushed_bytes() && !wire_.broken();
  bool const lives = child_ && !child_.state()->status();
  std::array<pollfd, 4> fds{{{reads ? wire_.in_fd() : -1, POLLIN, 0},
                             {to_write ? wire_.out_fd() : -1, POLLOUT, 0},
                             {lives ? child_.pidfd() : -1, POLLIN, 0},
                             {lives ? child_.state()->errors().fd() : -1, POLLIN, 0}}};
  if (!poll_until(fds, until)) return false;
  if (fds[3].revents) child_.state()->errors().drain();
  if (fds[1].revents) wire_.flush();
  if (fds[0].revents) wire_.fill();
  if (fds[2].revents) note_end_of_process();
  return true;
}

void channel_core::note_end_of_process() {
  if (gone_ || !child_.try_wait()) return;
  // Whatever it wrote is in the pipe by now; whoever else may hold the other end, it was not meant to.
  wire_.fill();
  gone_ = true;
}

std::optional<encoded_value> channel_core::next_value(deadline until) {
  check_owner();
  for (;;) {
    if (auto bytes = take()) return bytes;
    if (over()) throw_over();
    if (!wait_io(until)) return std::nullopt;
  }
}

std::optional<exit_status> channel_core::wait_until(deadline until) {
  check_owner();
  if (!child_) throw sequence_error("a created process cannot wait for itself");
  send_end();
  for (;;) {
    if (acknowledged_) accept_arrived();
    if (wire_.flush() && !owes_acknowledgements()) wire_.close_out();
    note_end_of_process();
    if (auto const& status = child_.state()->status()) return status;
    bool const may_read = !wire_.ended();
    bool const to_write = wire_.queued_bytes() > wire_.flushed_bytes() && !wire_.broken();
    std::array<pollfd, 4> fds{{{may_read ? wire_.in_fd() : -1, POLLIN, 0},
                               {to_write ? wire_.out_fd() : -1, POLLOUT, 0},
                               {child_.pidfd(), POLLIN, 0},
                               {child_.state()->errors().fd(), POLLIN, 0}}};
    if (!poll_until(fds, until)) return std::nullopt;
    take_in_or_throw_away();
  }
}

void channel_core::close() noexcept {
  async_.reset();
  if (before_close) before_close();
  send_end();
  wire_.close();
}

}  // namespace procx::inline v1::detail
