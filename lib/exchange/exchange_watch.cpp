// What an exchange does every now and then for the processes that it has started: deadlines, memory, second attempts, and
// signals that ask the program to stop. Its dispatcher, if it has one, does so for its own.
#include "exchange/exchange_core.hpp"

#include "system/memory_use.hpp"
#include "system/stop_level.hpp"

#include <procx/detail/system/from_now.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace procx::inline v1::detail {

/// Whether its process is at a task of ours, as far as one can see from here.
bool exchange_core::is_at_work(member const& m) noexcept { return m.at.task && !m.ch.core().over(); }

bool exchange_core::must_look() const noexcept {
  if (!delayed_.empty()) return true;
  if (stops_on_signals() && !waiting_.empty()) return true;
  bool const limited = options_.task_timeout.count() > 0 || options_.memory_limit > 0;
  if (!limited && (!stops_on_signals() || running_stopped_)) return false;
  return std::ranges::any_of(members_, is_at_work);
}

void exchange_core::arm_tick() {
  if (ticker_.armed() || !must_look()) return;
  ticker_.arm(weak_from_this(), [this](auto now, auto absence) { tick(now, absence); });
}

void exchange_core::tick(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds absence) {
  if (foreign()) return;
  for (member& m : members_) m.began += absence;
  if (stop_level() == 2) stop_running();
  for (member& m : members_)
    if (is_at_work(m)) look_after(m, now);
  auto const due = std::ranges::partition(delayed_, [&](delayed_job const& d) { return d.due > now && stop_level() == 0; });
  for (delayed_job& d : due) waiting_.push_front(std::move(d.again));
  delayed_.erase(due.begin(), due.end());
  if (!loop_.is_private()) cancel_waiting();
  start_or_note();
  if (!loop_.is_private()) complete_waits();
  arm_tick();
}

void exchange_core::look_after(member& m, std::chrono::steady_clock::time_point now) {
  if (!options_.continuous && m.in_ready && m.ch.core().has_message()) return;  // its task is over, though nobody was told
  if (m.kill_at && now >= *m.kill_at) {
    m.kill_at.reset();
    m.ch.kill(SIGKILL);
  }
  if (m.killed_for) return;
  if (options_.task_timeout.count() > 0 && now - m.began >= options_.task_timeout)
    return end_for(m, death_cause::timeout, options_.grace);
  if (options_.memory_limit == 0) return;
  auto const use = memory_use_of(m.ch.pid());
  if (use && use->resident > m.baseline && use->resident - m.baseline > options_.memory_limit)
    end_for(m, death_cause::memory_limit, std::chrono::nanoseconds(0));
}

/// SIGTERM, and SIGKILL if it is still there after the grace.
void exchange_core::end_for(member& m, death_cause cause, std::chrono::nanoseconds grace) {
  m.killed_for = cause;
  if (grace.count() > 0) m.kill_at = from_now(grace);
  m.ch.kill(grace.count() > 0 ? SIGTERM : SIGKILL);
}

/// Whether something waits that is never to be begun.
bool exchange_core::must_cancel() const noexcept { return stop_level() > 0 && !waiting_.empty(); }

/// Each of those that wait gets its outcome.
void exchange_core::cancel_waiting() {
  if (!owner_) return;
  while (must_cancel()) {
    on_failure(waiting_.front().index, {}, std::make_exception_ptr(stopped()));
    waiting_.pop_front();
  }
  show_arrived();
}

/// The same for an owner that looks after its channels itself: what waits has none that could be shown.
void exchange_core::drop_waiting() {
  if (!must_cancel()) return;
  waiting_.clear();
  throw stopped();
}

/// What they have sent before is still received.
void exchange_core::stop_running() {
  if (std::exchange(running_stopped_, true)) return;
  for (member& m : members_) {
    if (!is_at_work(m)) continue;
    m.killed_for = death_cause::cancellation;
    m.ch.kill(SIGKILL);
  }
}

}  // namespace procx::inline v1::detail
