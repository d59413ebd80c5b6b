#include "dispatch/dispatcher.hpp"

#include "system/memory_use.hpp"
#include "process/stop_level.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

// What the dispatcher does every now and then: deadlines, memory, second attempts, and workers that have nothing to do.

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::milliseconds least_between_looks{1};  // at a worker's memory: a look costs some microseconds
constexpr std::chrono::nanoseconds stalled = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds stalled_when_new = std::chrono::seconds(10);

}  // namespace

void dispatcher::arm_tick() {
  bool const to_start = books_.pending() > 0 && (idle_deaths_ > 0 || alive() == limit_);
  if (ticker_.armed()) return;
  if (books_.in_flight() + delayed_.size() == 0 && !to_start && (!settings_.teardown || leaving() == 0)) return;
  ticker_.arm(std::weak_ptr(alive_), [this](auto now, auto absence) { guarded([&] { tick(now, absence); }); });
}

void dispatcher::tick(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds absence) {
  if (loop_.foreign()) return;
  if (absence.count() > 0)
    for (auto& link : links_)
      if (link) link->forgive(absence);
  delayed_.take_due(now, [this](task_run const& task) { books_.put_back(task); });
  bool any = false;
  for (auto& link : links_) {
    if (!link) continue;
    if (books_.in_flight(link->number()) > 0)
      any = look_after(*link, now) || any;
    else if (link->retired())
      end_if_it_stays(*link, now);
  }
  return any ? sink_.on_progress() : pump();
}

/// One that has been at a task for long: what it had finished before is fetched from the board, and if the task's time is
/// up it is stopped. Whether there were results.
bool dispatcher::look_after(worker_link& link, std::chrono::steady_clock::time_point now) {
  if (settings_.memory_limit || settings_.limits.recycle_after_memory) watch_memory(link);
  link.kill_if_due(now);
  if (!link.makes_sense()) return false;
  if (settings_.task_timeout.count() > 0) end_if_stalled(link, now);
  auto const running = link.running_for(now);
  if (running < ticker::period) return false;
  std::uint64_t const before = link.results();
  link.collect_early();
  std::size_t const begun = link.begun();
  if (settings_.task_timeout.count() > 0 && running >= settings_.task_timeout && begun > 0)
    link.kill_for(begun - 1, death_cause::timeout, settings_.grace);
  return link.results() != before;
}

/// A worker that is to leave and does not, in its teardown or because it is stopped, holds its place no longer than it would
/// at the end of the pool.
void dispatcher::end_if_it_stays(worker_link& link, std::chrono::steady_clock::time_point now) {
  if (!link.idle_since) link.idle_since = now;
  if (now - *link.idle_since >= time_to_leave()) link.end_overstay();
}

/// A worker that is stopped while it has no task cannot overrun the time of one: it is let go, and nobody is to blame. One
/// that has begun nothing as yet may be in its setup, for as long as that takes, or wait for a processor.
void dispatcher::end_if_stalled(worker_link& link, std::chrono::steady_clock::time_point now) {
  bool const is_new = link.slot().claimed() == 0;
  if (is_new && settings_.setup) return;
  auto const patience = std::max(settings_.task_timeout, is_new ? stalled_when_new : stalled);
  if (link.stalled_for(now) >= patience) link.process().kill(SIGKILL);
}

void dispatcher::watch_memory(worker_link& link) {
  auto const use = link.slot().baseline.load(std::memory_order_acquire) ? memory_use_of(link.pid()) : std::nullopt;
  std::size_t const baseline = use ? link.baseline(use->resident) : 0;
  if (!use || use->resident <= baseline) return;
  std::size_t const more = use->resident - baseline, most = settings_.limits.recycle_after_memory;
  std::size_t const begun = link.begun();
  if (settings_.memory_limit && more > settings_.memory_limit && begun > 0)
    link.kill_for(begun - 1, death_cause::memory_limit, std::chrono::nanoseconds(0));
  else if (most && more > most && !link.retired())
    link.retire();
}

/// Tasks that are over before the next tick leave memory behind too.
void dispatcher::watch_memory_after_tasks(worker_link& link) {
  auto const now = std::chrono::steady_clock::now();
  if (now - link.memory_seen_at < least_between_looks) return;
  link.memory_seen_at = now;
  watch_memory(link);
}

/// Once to begin nothing more, twice to stop what runs. Tasks that come later are not begun either.
void dispatcher::heed_signals() {
  int const level = stop_level();
  if (heeded_ == 0) {
    for (auto& link : links_)
      if (link && books_.in_flight(link->number()) > 0) recall(*link);
    delayed_.take_due(std::chrono::steady_clock::time_point::max(), [this](task_run const& task) { books_.put_back(task); });
  }
  if (books_.pending() > 0) drop_waiting(std::make_exception_ptr(stopped()));
  if (level == 2 && heeded_ < 2)
    for (auto& link : links_)
      if (link && link->begun() > 0)
        link->kill_for(link->begun() - 1, death_cause::cancellation, std::chrono::nanoseconds(0));
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
  auto const now = std::chrono::steady_clock::now();
  for (auto& link : links_) {
    if (!link || link->retired() || books_.in_flight(link->number()) > 0) continue;
    if (link->idle_since && now - *link->idle_since >= settings_.idle_timeout) link->retire();
  }
  watch_the_idle();
}

}  // namespace procx::inline v1::detail
