#include "dispatch/dispatcher.hpp"
#include "dispatch/results_copy.hpp"
#include "dispatch/worker_link.hpp"
#include "dispatch/worker_results.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <new>
#include <utility>

// What comes back from the worker: over its pipe, and from the board.

namespace procx::inline v1::detail {
namespace {

bool is_values(frame const& f) noexcept {
  return f.kind == frame_kind::values || (f.kind == frame_kind::value && !(f.flags & has_blocks));
}

struct no_memory final : std::bad_alloc {
  char const* what() const noexcept override { return "there is no memory in this process for the task's result"; }
};

[[noreturn]] void refuse_result() { throw protocol_error("a worker sent a result out of turn"); }

}  // namespace

void worker_link::read() {
  if (resting_ || reading_) return;
  std::span<std::byte> room;
  try {
    room = room_for_results();
  } catch (std::bad_alloc const&) {
    complaint_ = std::current_exception();
    process_->kill(SIGKILL);
    return;  // its end is seen elsewhere
  }
  reading_ = true;
  results_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                           [this, alive = std::weak_ptr(alive_)](boost::system::error_code error, std::size_t n) {
                             if (alive.expired() || owner_.loop_.foreign()) return;
                             reading_ = false;
                             owner_.guarded([&] { on_read(error, n); });
                           });
}

/// Where there is no memory for a result it is passed over, and costs its task alone. Throws std::bad_alloc if there is none
/// for anything.
std::span<std::byte> worker_link::room_for_results() {
  try {
    return reader_.prepare();
  } catch (std::bad_alloc const&) {
    refused_ = reader_.skip_next();
    if (!refused_) throw;
    return reader_.prepare();
  }
}

void worker_link::on_read(boost::system::error_code error, std::size_t n) {
  if (ended_) {  // what was read before the end was seen
    reader_.commit(n);
    return try_bury();
  }
  if (error == boost::asio::error::operation_aborted) return read();  // rested meanwhile
  if (error && error != boost::asio::error::eof) process_->kill(SIGKILL);  // it would wait for us
  if (error) return on_end();
  on_bytes(n);
}

void worker_link::on_bytes(std::size_t n) {
  reader_.commit(n);
  if (complaint_) return;  // it has been killed
  hear_first();
  try {
    take_frames();
  } catch (protocol_error const&) {
    complaint_ = std::current_exception();
    process_->kill(SIGKILL);
    return on_end();
  }
  read();
  owner_.on_read(*this);
}

/// How many results there may be now in one series.
std::size_t worker_link::expected() noexcept {
  task_run const* const next = owner_.next_results(*this);
  std::uint64_t const whole = next_task_ - unsent_tasks_;  // have left
  return next && whole > next_result_ ? std::min<std::uint64_t>(next->count, whole - next_result_) : 0;
}

/// The tasks whose results were passed over, once all of those has been.
void worker_link::fail_refused() {
  if (!refused_ || reader_.skips()) return;
  frame_header const h = *std::exchange(refused_, std::nullopt);
  auto const why = std::make_exception_ptr(no_memory());
  if (h.kind == frame_kind::exception && h.id == setup_failed) {
    setup_error_ = why;
    return;
  }
  bool const is_series = h.kind == frame_kind::values;
  std::uint64_t const first = is_series ? value_series::first_id(h.id) : h.id;
  std::uint64_t const count = is_series ? (h.id >> value_series::id_bits) + 1 : 1;
  for (std::uint64_t id = first; id != first + count; ++id) {
    if (id < next_result_) continue;
    if (id != next_result_ || expected() == 0) refuse_result();
    ++next_result_;
    owner_.on_refused(*this, why);
  }
}

void worker_link::take_frames() {
  fail_refused();
  while (auto const f = reader_.next()) {
    if (f->kind == frame_kind::exception && f->id == setup_failed)
      setup_error_ = std::make_exception_ptr(remote_exception(decode<exception_record>(f->payload)));
    else
      take(*f);
  }
}

void worker_link::take(frame const& f) {
  if (is_word_of_teardown(f)) [[unlikely]] {
    teardown_error_ = std::make_exception_ptr(remote_exception(decode<exception_record>(f.payload)));
    return;
  }
  if (is_values(f)) return take_values(value_series::of(f));
  if (f.kind != frame_kind::value && f.kind != frame_kind::exception)
    throw protocol_error("a worker sent a frame that is no result");
  if (f.id < next_result_) return;  // it was taken early, from the board
  if (f.id != next_result_ || expected() == 0) refuse_result();
  ++next_result_;
  owner_.on_result(*this, f);
}

void worker_link::take_values(value_series values) {
  if (values.id < next_result_)  // those were taken early
    values.drop_front(std::min<std::uint64_t>(values.count, next_result_ - values.id));
  while (values.count > 0) {
    std::size_t const n = std::min(values.count, expected());
    if (values.id != next_result_ || n == 0) refuse_result();
    next_result_ += n;
    owner_.on_values(*this, values.front(n));
    values.drop_front(n);
  }
}

/// What it has left on the board, as far as that makes sense: it may have written there by mistake.
void worker_link::take_leftovers(std::span<std::byte const> results) {
  try {
    while (auto const f = worker_results::next_of(results)) take(*f);
  } catch (protocol_error const&) {
  }
}

void worker_link::collect_early() {
  if (ended_ || slot_.done.load(std::memory_order_acquire) <= next_result_) return;
  if (reader_.pending() > 0 || refused_) return;  // half a frame has come: the rest is on its way
  hear_first();
  results_copy copy;
  if (copy) take_leftovers(slot_.peek(copy.bytes()));
}

}  // namespace procx::inline v1::detail
