#include "local/local_worker.hpp"
#include "local/results_copy.hpp"
#include "local/worker_process.hpp"
#include "local/worker_results.hpp"
#include "memory/slab_sources.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/exception_record.hpp>
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

void local_worker::read() {
  if (resting_ || reading_ || holds_results_) return;
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
                             if (alive.expired() || source_.loop_.foreign()) return;
                             reading_ = false;
                             events_.guarded([&] { on_read(error, n); });
                           });
}

void local_worker::hold_results(bool hold) {
  holds_results_ = hold;
  if (!hold && !ended_) read();
}

/// Where there is no memory for a result it is passed over, and costs its task alone. Throws std::bad_alloc if there is none
/// for anything.
std::span<std::byte> local_worker::room_for_results() {
  try {
    return reader_.prepare();
  } catch (std::bad_alloc const&) {
    refused_ = reader_.skip_next();
    if (!refused_) throw;
    return reader_.prepare();
  }
}

void local_worker::on_read(boost::system::error_code error, std::size_t n) {
  if (ended_) {  // what was read before the end was seen
    reader_.commit(n);
    return try_bury();
  }
  if (error == boost::asio::error::operation_aborted) return read();  // rested meanwhile
  if (error && error != boost::asio::error::eof) process_->kill(SIGKILL);  // it would wait for us
  if (error) return on_end();
  on_bytes(n);
}

void local_worker::on_bytes(std::size_t n) {
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
  if (options().limits.recycle_after_memory) [[unlikely]] watch_memory_after_tasks();
  events_.on_turn_over(*this, std::chrono::nanoseconds(slot_.busy_ns.load(std::memory_order_relaxed)));
}

/// How many results there may be now: of tasks that have left as a whole.
std::size_t local_worker::expected() const noexcept {
  std::uint64_t const whole = next_task_ - unsent_tasks_;
  return whole > next_result_ ? static_cast<std::size_t>(whole - next_result_) : 0;
}

/// The tasks whose results were passed over, once all of those has been.
void local_worker::fail_refused() {
  if (!refused_ || reader_.skips()) return;
  frame_header const h = *std::exchange(refused_, std::nullopt);
  auto const why = std::make_exception_ptr(no_memory());
  if (h.kind == frame_kind::exception && h.id == setup_failed) {
    setup_error_ = why;
    return;
  }
  if (h.kind == frame_kind::parts || h.kind == frame_kind::message) {
    spoiled_ = h.id + 1;
    return;
  }
  bool const is_series = h.kind == frame_kind::values;
  std::uint64_t const first = is_series ? value_series::first_id(h.id) : h.id;
  std::uint64_t const count = is_series ? (h.id >> value_series::id_bits) + 1 : 1;
  for (std::uint64_t id = first; id != first + count; ++id) {
    if (id < next_result_) continue;
    if (id != next_result_ || expected() == 0) refuse_result();
    ++next_result_;
    events_.on_results(*this, {.error = why});
  }
}

void local_worker::take_frames() {
  fail_refused();
  while (auto const f = reader_.next()) {
    if (f->kind == frame_kind::exception && f->id == setup_failed)
      setup_error_ = std::make_exception_ptr(remote_exception(decode<exception_record>(f->payload)));
    else
      take(*f);
  }
}

void local_worker::take(frame const& f) {
  if (is_word_of_teardown(f)) [[unlikely]] {
    teardown_error_ = std::make_exception_ptr(remote_exception(decode<exception_record>(f.payload)));
    return;
  }
  if (is_values(f)) return take_values(value_series::of(f));
  if (f.kind == frame_kind::parts || f.kind == frame_kind::message) return take_extra(f);
  if (f.kind != frame_kind::value && f.kind != frame_kind::exception)
    throw protocol_error("a worker sent a frame that is no result");
  if (f.id < next_result_) return;  // it was taken early, from the board
  if (f.id != next_result_ || expected() == 0) refuse_result();
  if (++next_result_ == spoiled_) return events_.on_results(*this, {.error = std::make_exception_ptr(no_memory())});
  if (f.kind == frame_kind::value) return take_large_value(f);
  std::exception_ptr error;
  try {
    error = std::make_exception_ptr(remote_exception(decode<exception_record>(f.payload)));
  } catch (...) {
    error = std::current_exception();
  }
  events_.on_results(*this, {.error = std::move(error)});
}

void local_worker::take_large_value(frame const& f) {
  std::optional<received_slabs> slabs;
  result_batch result;
  try {
    if (!source_.arena_) throw protocol_error("a result refers to memory that there is not");
    slabs.emplace(*source_.arena_);
    auto const bytes = slabs->take(f.payload, order_.slab_owner);
    result.value = encoded_value(bytes, &*slabs, slabs->bytes());
  } catch (...) {
    result.error = std::current_exception();
  }
  events_.on_results(*this, result);
}

/// What the task that is to give its result next gives before. On the board it may be seen before it comes by the pipe.
void local_worker::take_extra(frame const& f) {
  if (f.id < next_result_) return;
  if (f.id != next_result_ || expected() == 0) refuse_result();
  input_archive in(f.payload);
  std::uint64_t number = 0, topic = 0;
  in >> number;
  if (f.kind == frame_kind::message) in >> topic;
  if (number < next_extra_) return;
  if (number != next_extra_ && !spoiled_) throw protocol_error("something that a worker sent beside its results is missing");
  next_extra_ = number + 1;
  auto const bytes = f.payload.last(in.left());
  if (f.kind == frame_kind::message)
    events_.on_message(*this, topic, bytes);
  else
    events_.on_parts(*this, bytes);
}

void local_worker::take_values(value_series values) {
  if (values.id < next_result_)  // those were taken early
    values.drop_front(std::min<std::uint64_t>(values.count, next_result_ - values.id));
  if (values.count == 0) return;
  if (values.id != next_result_ || values.count > expected()) refuse_result();
  if (spoiled_ == next_result_ + 1) {  // it had a part before, so that it heads its series
    ++next_result_;
    events_.on_results(*this, {.error = std::make_exception_ptr(no_memory())});
    values.drop_front(1);
    if (values.count == 0) return;
  }
  next_result_ += values.count;
  events_.on_results(*this, {.values = values});
}

/// What it has left on the board, as far as that makes sense: it may have written there by mistake.
void local_worker::take_leftovers(std::span<std::byte const> results) {
  try {
    while (auto const f = worker_results::next_of(results)) take(*f);
  } catch (protocol_error const&) {
  }
}

void local_worker::collect_early() {
  if (ended_ || slot_.done.load(std::memory_order_acquire) <= next_result_) return;
  if (reader_.pending() > 0 || refused_) return;  // half a frame has come: the rest is on its way
  hear_first();
  results_copy copy;
  if (copy) take_leftovers(slot_.peek(copy.bytes()));
}

}  // namespace procx::inline v1::detail
