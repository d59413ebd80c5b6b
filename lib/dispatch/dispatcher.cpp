#include "dispatch/dispatcher.hpp"

#include "system/stop_level.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

// How tasks are handed out, taken back and cancelled.

namespace procx::inline v1::detail {
namespace {

// Taking tasks back and handing them out again costs some microseconds: what would not take so long stays.
constexpr std::chrono::milliseconds worth_a_recall{1};

}  // namespace

dispatcher::dispatcher(event_loop& loop, settings const& s, std::shared_ptr<callable_table> callables,
                       make_source const& source)
    : loop_(loop),
      settings_(s),
      limit_(s.workers),
      callables_(std::move(callables)),
      schedule_(s.policy),
      source_(source(*this)),
      seats_(s.workers),
      busy_at_stop_(s.workers),
      ticker_(loop.executor()),
      idle_timer_(loop.executor()),
      linger_timer_(loop.executor()) {}

dispatcher::~dispatcher() {
  alive_.reset();
  stop();
}

void dispatcher::pump() {
  if (stopping_since_) return;
  if (stop_level() > 0 && must_heed_signals()) [[unlikely]] heed_signals();
  retire_outdated();
  start_workers();
  hand_out();
  recall_for_the_idle();
  arm_tick();
  if (loop_.is_private()) return watch_the_idle();
  if (idle()) rest_soon();
}

/// On the user's executor, which may run out of work then. Not now: what the workers have printed is passed on before.
void dispatcher::rest_soon() {
  if (std::exchange(rests_soon_, true)) return;
  boost::asio::post(loop_.executor(), [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || loop_.foreign()) return;
    rests_soon_ = false;
    if (!idle() || stopping_since_) return;
    guarded([this] {
      for (seat& s : seats_)
        if (s && !s.retired) s.who->rest();
      source_->rest();
    });
  });
}

bool dispatcher::wants_work(seat const& s) const noexcept {
  return s && !s.retired && !s.recalls && !s.held() && !used_up(s) && schedule_.appetite(s.who->seat) > 0;
}

/// Whether what waits is too little for a batch, and young enough to wait for others.
bool dispatcher::waits_for_more() {
  if (settings_.linger.count() == 0 || all_are_here_) return false;
  if (schedule_.pending() >= std::max(settings_.policy.window, 1u)) {
    lingers_since_.reset();
    return false;
  }
  if (lingers_since_) return now() < *lingers_since_ + settings_.linger;
  lingers_since_ = now();
  if (settings_.now) return true;  // somebody else has the clock
  linger_timer_.expires_after(settings_.linger);
  linger_timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (error || alive.expired() || loop_.foreign()) return;
    guarded([this] { pump(); });
  });
  return true;
}

void dispatcher::hand_out() {
  if (schedule_.pending() == 0) return lingers_since_.reset();
  if (waits_for_more()) return;
  std::size_t const usable = std::ranges::count_if(seats_, [this](seat const& s) { return wants_work(s); });
  if (usable == 0) return;
  // Nobody gets more than its share of what is there, nor near the end of all there will be.
  std::size_t share = (schedule_.pending() + usable - 1) / usable;
  if (schedule_.lanes() == 1) {
    std::size_t const remaining = lanes_[schedule_.front()->lane].remaining;
    if (remaining != ~std::size_t{0})
      share = std::min(share, std::max<std::size_t>(1, (schedule_.pending() + remaining) / (2 * usable)));
  }
  ++hand_outs_;
  for (bool const idle_first : {true, false})
    for (seat& s : seats_) {
      if (!wants_work(s) || s.served_in == hand_outs_ || (in_flight(s) == 0) != idle_first) continue;
      s.served_in = hand_outs_;
      if (give(s, std::min(share, schedule_.appetite(s.who->seat)))) s.who->flush();
    }
}

std::size_t dispatcher::give(seat& s, std::size_t count) {
  if (settings_.recycle_after_tasks) count = std::min<std::size_t>(count, settings_.recycle_after_tasks - s.given);
  std::size_t const given = schedule_.assign(
      s.who->seat, count, [&](task_run const& run) { return s.who->can_run(run.head); },
      [&](task_run const& run) { s.who->add(run); });
  s.given += given;
  if (given) s.idle_since.reset();
  if (used_up(s)) retire(s);
  return given;
}

/// Whether the worker has had all the tasks that one is to run.
bool dispatcher::used_up(seat const& s) const noexcept {
  return settings_.recycle_after_tasks > 0 && s.given >= settings_.recycle_after_tasks;
}

void dispatcher::retire(seat& s) noexcept {
  if (std::exchange(s.retired, true)) return;
  s.idle_since.reset();  // from now on it has time to leave
  s.who->retire();
}

std::size_t dispatcher::idle_workers() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(seats_, [this](seat const& s) { return is_idle(s); }));
}

std::size_t dispatcher::room(std::uint32_t lane) const {
  if (schedule_.has_plenty(lane)) return 0;
  std::size_t wanted = 0;
  for (seat const& s : seats_) {
    if (!s || s.held()) continue;
    std::size_t const credit = schedule_.credit(s.who->seat);
    wanted += credit - std::min(credit, in_flight(s));
  }
  std::size_t const first = schedule_.first_credit();
  if (alive() < limit_) wanted += (limit_ - alive()) * first;
  if (schedule_.lanes() > 1) wanted = std::max(wanted, limit_ * first);  // the others may have all the credit there is
  return wanted - std::min(wanted, schedule_.pending(lane));
}

bool dispatcher::short_of_tasks(std::uint32_t lane) const {
  std::size_t wanted = alive() < limit_ ? limit_ - alive() : 0;
  for (seat const& s : seats_) {
    if (!s || s.retired || s.held()) continue;
    std::size_t const enough = std::min(schedule_.credit(s.who->seat), std::uint32_t{2});
    wanted += enough - std::min(enough, in_flight(s));
  }
  return wanted > schedule_.pending(lane);
}

bool dispatcher::wants_one(std::uint32_t lane) const {
  if (settings_.policy.window) return room(lane) > 0;
  std::size_t const unborn = alive() < limit_ ? limit_ - alive() : 0;
  return unborn + idle_workers() > schedule_.pending(lane);
}

/// When nothing waits and a worker has nothing to do, others give up what they will not come to for some time.
void dispatcher::recall_for_the_idle() {
  if (schedule_.pending() > 0 || schedule_.in_flight() <= 1) return;
  if (alive() >= limit_ && idle_workers() == 0) return;
  auto const now = this->now();
  for (seat& s : seats_) {
    if (!s || s.retired || s.recalls || s.held()) continue;
    worker_progress const p = s.who->progress(now);
    if (p.begun == 0 || p.begun >= in_flight(s)) continue;
    bool const for_long = p.running_for >= ticker::period;
    if (!for_long && schedule_.unbegun_work(s.who->seat, p.begun) < worth_a_recall) continue;
    if (for_long) s.held_until = s.results + p.begun;
    recall(s);
  }
  if (schedule_.pending() == 0) return;
  start_workers();
  hand_out();
}

/// Takes back what the worker has not begun; false if the answer is still to come.
bool dispatcher::recall(seat& s) {
  auto const kept = s.who->recall();
  s.recalls = !kept;
  if (!kept) return false;
  s.given -= schedule_.recalled(s.who->seat, *kept);
  drop_ownerless();
  return true;
}

void dispatcher::on_recalled(worker& from, std::size_t kept) {
  seat& s = seats_[from.seat];
  s.recalls = false;
  if (stopping_since_) return;
  s.given -= schedule_.recalled(from.seat, kept);
  drop_ownerless();
  cancel_again();
  pump();
}

/// What waited for the answer of a worker: it is known now whether the task has begun, unless the answer is another's.
void dispatcher::cancel_again() {
  for (cancelled_task const& t : std::exchange(cancelled_later_, {})) cancel(t.lane, t.id, t.how);
}

bool dispatcher::cancel(std::uint32_t lane, std::uint64_t id, cancellation how) {
  auto dropped = schedule_.withdraw(lane, id);
  if (!dropped) dropped = delayed_.remove(lane, id);
  for (seat& s : seats_) {
    auto const ahead = s && !dropped ? schedule_.place(s.who->seat, lane, id) : std::nullopt;
    if (!ahead) continue;
    if (*ahead >= s.who->progress(now()).begun) {
      if (!s.recalls && recall(s))
        dropped = schedule_.withdraw(lane, id);
      else if (s.recalls)
        cancelled_later_.push_back({lane, id, how});
    }
    worker_progress const p = s.who->progress(now());
    bool const running = !dropped && p.runs && *ahead + 1 == p.begun;
    if (running && how == cancellation::ask)
      s.who->stop_task(*ahead, stop_how::ask, death_cause::cancellation, settings_.grace);
    if (running && how == cancellation::kill)
      s.who->stop_task(*ahead, stop_how::kill, death_cause::cancellation, settings_.grace);
    break;
  }
  if (dropped) {
    schedule_.forget(*dropped);
    give_up(*dropped, std::make_exception_ptr(task_cancelled()));
  }
  return dropped.has_value();
}

}  // namespace procx::inline v1::detail
