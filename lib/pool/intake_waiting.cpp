#include "pool/intake.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

// Items that wait for room asynchronously.

namespace procx::inline v1::detail {

std::uint64_t intake::async_put(intake_item const& item, std::unique_ptr<operation>&& op) {
  finished_ops done;
  std::uint64_t number = 0;
  bool wakes = false;
  {
    biased_mutex::visit const visit(in_.mutex);
    number = ++numbers_;
    add_waiting(number, item, std::move(op));
    serve(done);
    wakes = must_wake();
  }
  finish(done);
  if (wakes) wake_();
  return number;
}

/// A task of a pool that has no room now.
void intake::let_wait(intake_item const& item, std::unique_ptr<operation>&& op) {
  add_waiting(numbers_, item, std::move(op));
  try {
    finished_ops none;
    serve(none);
  } catch (...) {
    op = std::move(waiting_.back().op);
    waiting_.pop_back();
    count_waiting();
    throw;
  }
  ++numbers_;
}

void intake::add_waiting(std::uint64_t number, intake_item const& item, std::unique_ptr<operation>&& op) {
  waiting_.push_back({number, stored_item(item), nullptr});
  waiting_.back().op = std::move(op);  // there is memory for it
}

intake::waiting_items::iterator intake::find_waiting(std::uint64_t number) noexcept {
  auto const at = std::ranges::lower_bound(waiting_, number, {}, &waiting_item::number);
  return at != waiting_.end() && at->number == number ? at : waiting_.end();
}

std::optional<std::unique_ptr<operation>> intake::withdraw(std::uint64_t number) {
  std::optional<std::unique_ptr<operation>> op;
  {
    biased_mutex::visit const visit(in_.mutex);
    auto const at = find_waiting(number);
    if (at == waiting_.end()) return std::nullopt;
    op = std::move(at->op);
    waiting_.erase(at);
    count_waiting();
  }
  room_made();  // for the next one, which may be smaller
  return op;
}

std::optional<std::pair<std::uint64_t, std::unique_ptr<operation>>> intake::withdraw_first() {
  biased_mutex::visit const visit(in_.mutex);
  if (waiting_.empty()) return std::nullopt;
  std::pair first(waiting_.front().number, std::move(waiting_.front().op));
  waiting_.pop_front();
  count_waiting();
  return first;
}

void intake::cancel(std::uint64_t number) {
  auto const op = withdraw(number);
  if (!op) return;
  (*op)->complete({std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)), {}});
}

void intake::serve_waiting() {
  finished_ops done;
  bool wakes = false;
  {
    biased_mutex::visit const visit(in_.mutex);
    serve(done);
    wakes = must_wake();
  }
  finish(done);
  if (wakes) wake_();
}

/// Admits items that wait asynchronously, as far as there is room. If there is not, no producer passes them by on the fast
/// path.
void intake::serve(finished_ops& done) {
  count_waiting();  // first: room that is made from now on is told
  while (!waiting_.empty()) {
    waiting_item& w = waiting_.front();
    bool const ends = operations_ == operations::end_with_admission;
    if (stopped_) {
      if (!ends) return;  // the loop thread cancels them
      done.emplace_back(std::move(w.op), std::make_exception_ptr(queue_stopped()));
    } else {
      if (!has_room_now(w.item.size())) {
        in_.end = in_.at;
        return;
      }
      w.item.use([&](intake_item const& item) { add(item, ends ? admitted() : w.number, ends ? nullptr : &w.op); });
      if (ends) done.emplace_back(std::move(w.op), nullptr);
    }
    waiting_.pop_front();
    count_waiting();
  }
}

void intake::finish(finished_ops& done) {
  if (done.empty()) return;
  room_news_.tell();  // there may be room for them, who came later
  for (auto& [op, error] : done) op->complete({std::move(error), {}});
}

}  // namespace procx::inline v1::detail
