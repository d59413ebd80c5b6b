#include "dispatch/dispatcher.hpp"

#include <algorithm>
#include <utility>

// What workers give.

namespace procx::inline v1::detail {

void dispatcher::on_results(worker& from, result_batch const& results) {
  if (stopping_since_) return;
  seat& s = seats_[from.seat];
  idle_deaths_ = 0;
  if (results.values.count == 0) {
    task_run const task = schedule_.finished(from.seat);
    ++s.results;
    if (results.error) return fail_or_retry(task, from.name(), results.error);
    s.unmeasured_bytes += results.value.size();
    if (task_sink* const sink = news_for(task.lane).sink) sink->on_value(task.id, from.name(), results.value);
    return finish(task);
  }
  s.unmeasured_bytes += results.values.length * results.values.count;
  for (value_series left = results.values; left.count > 0;) {
    auto const next = static_cast<std::uint32_t>(std::min<std::size_t>(left.count, schedule_.oldest(from.seat)->count));
    task_run const done = schedule_.finished(from.seat, next);
    s.results += next;
    if (task_sink* const sink = news_for(done.lane).sink) sink->on_values(done.id, from.name(), left.front(next));
    finish(done);
    left.drop_front(next);
  }
}

/// They are over, and their owner knows.
void dispatcher::finish(task_run const& done) noexcept {
  if (!cancelled_later_.empty()) [[unlikely]]  // its number may be used again
    std::erase_if(cancelled_later_, [&](cancelled_task const& t) { return done.holds(t.lane, t.id); });
  lanes_[done.lane].unfinished -= done.count;
  tasks_.erase(done);
}

void dispatcher::on_parts(worker& from, std::span<std::byte const> parts) {
  task_run const* const task = stopping_since_ ? nullptr : schedule_.oldest(from.seat);
  if (!task) return;
  if (task_sink* const sink = news_for(task->lane).sink) sink->on_parts(task->id, parts);
}

void dispatcher::on_message(worker& from, std::uint64_t topic, std::span<std::byte const> bytes) {
  task_run const* const task = stopping_since_ ? nullptr : schedule_.oldest(from.seat);
  if (!task) return;
  if (task_sink* const sink = news_for(task->lane).sink) sink->on_message(task->id, topic, bytes);
}

void dispatcher::on_turn_over(worker& from, std::chrono::nanoseconds busy) {
  if (stopping_since_) return;
  seat& s = seats_[from.seat];
  if (busy != s.measured_busy) {
    schedule_.measured(from.seat, s.results - s.measured_results, busy - s.measured_busy,
                       std::exchange(s.unmeasured_bytes, 0));
    busy_time_ += busy - s.measured_busy;
    s.measured_busy = busy;
    s.measured_results = s.results;
    from.set_credit(schedule_.credit(from.seat));
  }
  if (in_flight(s) == 0 && !s.idle_since) s.idle_since = now();
  tell_progress();
}

void dispatcher::hold_results(bool hold) {
  if (std::exchange(holds_results_, hold) == hold) return;
  for (seat& s : seats_)
    if (s) s.who->hold_results(hold);
}

std::vector<worker_name> dispatcher::busy_workers() const {
  std::vector<worker_name> busy;
  for (seat const& s : seats_)
    if (s && in_flight(s) > 0) busy.push_back(s.who->name());
  return busy;
}

}  // namespace procx::inline v1::detail
