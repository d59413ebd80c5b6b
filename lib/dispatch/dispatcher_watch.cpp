#include "dispatch/dispatcher.hpp"

#include "system/stop_level.hpp"

#include <algorithm>
#include <utility>

// What the dispatcher does every now and then: deadlines, second attempts, and workers that have nothing to do.

namespace procx::inline v1::detail {

void dispatcher::arm_tick() {
  if (ticker_.armed()) return;
  bool const to_start = schedule_.pending() > 0 && (idle_deaths_ > 0 || alive() == limit_);
  if (schedule_.in_flight() + delayed_.size() == 0 && !to_start && leaving() == 0) return;
  arm_ticker();
}

/// Not where somebody else has the clock.
void dispatcher::arm_ticker() {
  if (settings_.now) return;
  ticker_.arm(std::weak_ptr(alive_), [this](auto now, auto absence) { guarded([&] { tick(now, absence); }); });
}

void dispatcher::tick(time_point now, std::chrono::nanoseconds absence) {
  if (loop_.foreign()) return;
  if (stopping_since_) return tick_while_stopping(now);
  delayed_.take_due(now, [this](task_run const& task) { schedule_.put_back(task); });
  bool any = false;
  for (seat& s : seats_) {
    if (!s) continue;
    if (in_flight(s) > 0)
      any = look_after(s, now, absence) || any;
    else if (s.retired)
      end_if_it_stays(s, now, absence);
  }
  return any ? tell_progress() : pump();
}

/// If its task's time is up it is stopped. Whether there were results that were late.
bool dispatcher::look_after(seat& s, time_point now, std::chrono::nanoseconds absence) {
  std::uint64_t const before = s.results;
  worker& w = *s.who;
  w.look_after(now, absence);
  if (!s) return true;  // it has ended
  if (settings_.task_timeout.count() > 0) {
    worker_progress const p = w.progress(now);
    if (p.begun > 0 && p.running_for >= settings_.task_timeout)
      w.stop_task(p.begun - 1, stop_how::kill, death_cause::timeout, settings_.grace);
  }
  return s.results != before;
}

/// A worker that is to leave and does not, in its teardown or because it is stopped, holds its place no longer than it would
/// at the end of the pool.
void dispatcher::end_if_it_stays(seat& s, time_point now, std::chrono::nanoseconds absence) {
  if (!s.idle_since) s.idle_since = now;
  *s.idle_since += absence;
  if (now - *s.idle_since >= time_to_leave()) s.who->end_now();
}

/// Whether there is no time left to go on as if there were no signal.
bool dispatcher::must_heed_signals() {
  if (settings_.drain.count() == 0 || stop_level() > 1) return true;
  if (!drained_at_) drained_at_ = after(settings_.drain);
  return now() >= *drained_at_;
}

/// Once to begin nothing more, twice to stop what runs. Tasks that come later are not begun either.
void dispatcher::heed_signals() {
  int const level = settings_.drain.count() > 0 ? 2 : stop_level();
  if (heeded_ == 0) {
    for (seat& s : seats_)
      if (s && !s.recalls && in_flight(s) > 0) recall(s);
    delayed_.take_due(time_point::max(), [this](task_run const& task) { schedule_.put_back(task); });
  }
  if (schedule_.pending() > 0) drop_waiting(std::make_exception_ptr(stopped()));
  if (level == 2 && heeded_ < 2)
    for (seat& s : seats_) {
      std::size_t const begun = s ? s.who->progress(now()).begun : 0;
      if (begun > 0)
        s.who->stop_task(begun - 1, stop_how::kill, death_cause::cancellation, std::chrono::nanoseconds(0));
    }
  heeded_ = level;
}

/// Workers that have had nothing to do for long end. Only where the loop is ours: on the user's, a timer would keep it
/// from running out of work.
void dispatcher::watch_the_idle() {
  if (idle_watched_ || settings_.idle_timeout.count() == 0 || alive() == 0) return;
  idle_watched_ = true;
  idle_timer_.expires_after(settings_.idle_timeout);
  idle_timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired() || loop_.foreign()) return;
    idle_watched_ = false;
    guarded([this] { end_the_idle(); });
  });
}

void dispatcher::end_the_idle() {
  auto const now = this->now();
  for (seat& s : seats_)
    if (is_idle(s) && s.idle_since && now - *s.idle_since >= settings_.idle_timeout) retire(s);
  watch_the_idle();
}

}  // namespace procx::inline v1::detail
