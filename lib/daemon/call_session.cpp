#include "daemon/call_session.hpp"

#include "pool/cancellation.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <utility>

namespace procx::inline v1::detail {

call_session::call_session(call_runner& r, limits const& l, bool keeps, std::function<void(std::exception_ptr)> broken)
    : runner_(r), limits_(l), ledger_(keeps), broken_(std::move(broken)), allowance_(l.always), lane_(r.open_lane(*this)) {}

bool call_session::may_take() const noexcept {
  std::size_t const here = lane_->unfinished() + waiting_.size();
  return here <= limits_.calls && (large_bytes_ <= limits_.bytes || here <= 1);
}

bool call_session::may_begin() const noexcept {
  std::size_t const under_way = lane_->unfinished();
  std::size_t const unsent = link_ ? link_->unsent() : 0, kept = ledger_.answer_bytes();
  if (unsent >= limits_.unsent || kept >= limits_.unacknowledged) return false;
  if (!any_answered_) return under_way < limits_.at_first;
  return allowance_.more(unsent + kept, under_way, limits_.ahead) > 0;
}

bool call_session::feed() {
  bool any = false;
  for (; !waiting_.empty() && may_begin(); waiting_.pop_front(), any = true) {
    waiting_call const& next = waiting_.front();
    begin(next.id, next.head, next.arguments);
  }
  return any;
}

void call_session::call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) {
  switch (ledger_.add(id)) {
    case call_ledger::arrival::running: return;
    case call_ledger::arrival::answered: {
      auto const frame = ledger_.answer(id);
      out().append(frame.data(), frame.size());
      return;
    }
    case call_ledger::arrival::gone:
      return add_failure(out(), id, std::make_exception_ptr(protocol_error("the answer to this call was acknowledged before")),
                         limit_);
    case call_ledger::arrival::fresh: break;
  }
  if (arguments.size() >= large) {
    large_calls_.emplace(id, arguments.size());
    large_bytes_ += arguments.size();
  }
  if (waiting_.empty() && may_begin())
    begin(id, head, arguments);
  else
    waiting_.push_back({id, head, buffer(arguments)});
}

void call_session::begin(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) {
  try {
    lane_->begin(id, head, arguments);
  } catch (error const&) {
    fail(id, std::current_exception());
  }
}

void call_session::cancel(std::uint64_t id, boost::asio::cancellation_type how) {
  auto const waiting = std::ranges::find(waiting_, id, &waiting_call::id);
  if (waiting != waiting_.end()) {
    waiting_.erase(waiting);
    return fail(id, std::make_exception_ptr(task_cancelled()));
  }
  lane_->cancel(id, how_to(how));
  runner_.pump();
}

/// `write` appends the frame of the answer.
template <class Write>
void call_session::answer(std::uint64_t id, Write write) {
  forget_size(id);
  buffer& to = out();
  std::size_t const before = to.size();
  write(to);
  std::size_t const size = to.size() - before;
  allowance_.count(1, size);
  any_answered_ = true;
  if (!ledger_.answered(id, to.bytes().subspan(before))) to.set_size(before);
  if (!link_) nowhere_.clear();
}

void call_session::fail(std::uint64_t id, std::exception_ptr const& error) {
  answer(id, [&](buffer& to) { add_failure(to, id, error, limit_); });
}

void call_session::forget_size(std::uint64_t id) noexcept {
  if (large_calls_.empty()) return;
  auto const call = large_calls_.find(id);
  if (call == large_calls_.end()) return;
  large_bytes_ -= call->second;
  large_calls_.erase(call);
}

void call_session::on_value(std::uint64_t id, worker_name const&, encoded_value const& value) {
  answer(id, [&](buffer& to) { add_value(to, id, value.bytes, limit_); });
}

void call_session::on_values(std::uint64_t first, worker_name const& from, value_series const& values) {
  bool const in_one_frame =
      values.count > 1 && !ledger_.keeps() && link_ && large_calls_.empty() && values.bytes().size() <= limit_;
  if (!in_one_frame) return task_sink::on_values(first, from, values);
  value_series const renumbered{first, values.length, values.count, values.at};
  std::byte* const at = link_->out().extend(frame_header::size);
  renumbered.header().write(at);
  link_->out().append(values.at, values.bytes().size());
  allowance_.count(values.count, values.bytes().size());
  any_answered_ = true;
}

void call_session::on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) { fail(id, error); }

void call_session::on_progress() {
  allowance_.measure();
  if (link_) link_->on_progress();
  feed();
  runner_.pump();
}

}  // namespace procx::inline v1::detail
