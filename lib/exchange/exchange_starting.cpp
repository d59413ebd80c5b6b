// How an exchange starts what waits its turn.
#include "exchange/exchange_core.hpp"

#include "system/memory_use.hpp"
#include "process/resources/worker_limits.hpp"
#include "system/stop_level.hpp"

#include <csignal>
#include <utility>

namespace procx::inline v1::detail {

void exchange_core::submit(std::unique_ptr<job> task) {
  if (options_.reuse && task->for_workers()) {
    to_workers(*task);
    ++next_index_;
    start_waiting();
    return;
  }
  waiting_.push_back({next_index_++, std::move(task)});
  try {
    start_waiting();
  } catch (...) {  // no process at all can be had: the task is not taken on
    if (!waiting_.empty()) waiting_.pop_back();
    --next_index_;
    throw;
  }
}

bool exchange_core::room_for_one() const noexcept {
  std::size_t const others = workers_ ? workers_->places_taken() : 0;
  return limit_ == 0 || members_.size() + others < limit_;
}

void exchange_core::start_waiting() {
  if (workers_) {
    std::size_t const claimed = members_.size() + (waiting_.empty() ? 0 : 1);
    workers_->set_limit(limit_ > claimed ? limit_ - claimed : members_.empty() && waiting_.empty() ? 1 : 0);
    workers_->pump();
  }
  arm_tick();
  while (!waiting_.empty() && room_for_one() && stop_level() == 0) {
    waiting_job next = std::move(waiting_.front());
    waiting_.pop_front();
    try {
      launch(next);
    } catch (boost::system::system_error const&) {
      waiting_.push_front(std::move(next));
      if (!under_way() && removed_.empty() && leaving_.empty()) throw;
      return;  // the work goes on with fewer processes
    }
  }
}

/// Whether anything runs whose end makes room.
bool exchange_core::under_way() const noexcept { return !members_.empty() || (workers_ && !workers_->idle()); }

/// Where nobody could catch it: as `start_waiting`, but what it throws is kept for those who wait for results.
void exchange_core::start_or_note() {
  try {
    start_waiting();
    if (removed_.empty())
      while (!under_way() && see_one_leave()) start_waiting();
  } catch (...) {
    note_escaped(std::current_exception());
  }
}

/// Nothing runs, and no process could be had for what waits: sees one off that is on its way out and still counts. False
/// if there is none.
bool exchange_core::see_one_leave() {
  if (waiting_.empty() || leaving_.empty()) return false;
  see_off(leaving_.back(), std::chrono::steady_clock::now() + channel_core::dying_time);
  leaving_.pop_back();
  return true;
}

void exchange_core::launch(waiting_job& next) {
  if (!oom_) oom_.emplace();
  launch_plan what;
  what.run = [&](channel& up) {
    accept(options_.limits);
    if (options_.memory_limit) limit_address_space(options_.memory_limit);
    next.task->run(up);
  };
  member& m = watch_channel(start_process(options_.start, std::nullopt, what), next.index);
  if (options_.memory_limit || options_.limits.recycle_after_memory)
    if (auto const use = memory_use_of(m.ch.pid())) m.baseline = use->resident;
  begin(m, std::move(next));
}

/// The process has been given this task, with its parameters.
void exchange_core::begin(member& m, waiting_job next) {
  m.ch.core().tag = next.index;
  m.at = std::move(next);
  m.began = std::chrono::steady_clock::now();
  m.expects_result = true;
  ++m.tasks;
  arm_tick();
}

/// Whether a process has run all that one is to run.
bool exchange_core::used_up(member const& m) const {
  worker_limits const& limits = options_.limits;
  if (limits.recycle_after_tasks && m.tasks >= limits.recycle_after_tasks) return true;
  if (limits.recycle_after_memory == 0) return false;
  auto const use = memory_use_of(m.ch.pid());
  return use && use->resident > m.baseline && use->resident - m.baseline > limits.recycle_after_memory;
}

std::optional<channel> exchange_core::create() {
  channel ch = procx::create(options_.start);
  if (ch.pid() == 0) return ch;
  add(std::move(ch));
  return std::nullopt;
}

}  // namespace procx::inline v1::detail
