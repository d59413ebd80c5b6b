#include "dispatch/dispatcher.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <new>
#include <utility>

// The dispatcher's workers: how they are had, let go, and what their deaths mean.

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::nanoseconds least_time_to_leave = std::chrono::seconds(1);  // for a worker that has nothing to do
constexpr std::size_t deaths_without_work = 8;  // of new workers, in a row: something is wrong with the pool, not a task

}  // namespace

std::chrono::nanoseconds dispatcher::time_to_leave() const noexcept {
  return std::max(settings_.grace, least_time_to_leave);
}

void dispatcher::start_workers() {
  if (idle_deaths_ > 0 && now() < start_after_) return;  // the next tick tries
  out_of_luck_ = false;
  while (!out_of_luck_ && alive() + ordered_ < limit_ && schedule_.pending() > idle_workers() + ordered_) {
    ++ordered_;
    source_->order(&schedule_.front()->head);
  }
}

void dispatcher::on_worker(std::unique_ptr<worker> fresh) {
  auto const vacant = std::ranges::find_if(seats_, [](seat const& s) { return !s; });
  auto const number = static_cast<std::uint32_t>(vacant - seats_.begin());
  schedule_.make_room_for(number);
  fresh->seat = number;
  *vacant = {.who = std::move(fresh), .idle_since = now()};
  schedule_.add_worker(number);
  --ordered_;  // behind what may throw
  if (stopping_since_) {  // and is waited for
    busy_at_stop_[number] = false;
    return retire(*vacant);
  }
  vacant->who->set_credit(schedule_.credit(number));
  if (holds_results_) vacant->who->hold_results(true);
}

void dispatcher::on_no_worker(std::exception_ptr why, bool again) {
  --ordered_;
  if (stopping_since_ || (again && ++idle_deaths_ < deaths_without_work)) return;
  out_of_luck_ = true;
  if (alive() + ordered_ == 0) fail_unstartable(std::move(why));
  // Else the work goes on with those there are; the next result tries again.
}

void dispatcher::retire_outdated() {
  task_run const* const first = schedule_.front();
  std::size_t staying = alive() - leaving();
  for (seat& s : seats_) {
    if (!is_idle(s) || (staying <= limit_ && (!first || s.who->can_run(first->head)))) continue;
    retire(s);
    --staying;
  }
}

void dispatcher::on_end(worker& from, worker_end end) {
  seat& s = seats_[from.seat];
  bool const retired = s.retired;
  std::uint64_t const results = s.results;
  auto dead = std::move(s.who);
  s = {};
  if (stopping_since_) {
    if (!busy_at_stop_[dead->seat]) tell_bad_ending(dead->name(), retired, end);
    dead.reset();
    return end_stop();
  }
  settle(std::move(dead), retired, results, std::move(end));
  cancel_again();
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) news_for(lane);  // there is a place for something else
  tell_progress();
}

/// The worker's object goes before the tasks' owners are told, and with it what it holds of the exceptions that they get.
void dispatcher::settle(std::unique_ptr<worker> dead, bool was_retired, std::uint64_t results, worker_end end) {
  worker_name const name = dead->name();
  tell_bad_ending(name, was_retired, end);
  auto const blamed = schedule_.died(dead->seat, end.at_task || (end.complaint && results > 0));
  drop_ownerless();
  if (blamed) {
    idle_deaths_ = 0;
    bool const wanted = lanes_[blamed->lane].sink != nullptr;  // else its lane may be no more
    if (wanted && end.another_was_meant && !end.complaint && tasks_.intact(*blamed)) return schedule_.put_back(*blamed);
    std::exception_ptr error = end.complaint ? end.complaint : error_of_end(end, &*blamed);
    death_cause const cause = end.certificate.cause;
    bool const is_final = cause == death_cause::timeout || cause == death_cause::cancellation;
    if (!is_final && try_again(*blamed, schedule::failure::death)) return;
    if (cause != death_cause::cancellation) save_arguments(*blamed, error);
    if (end.place > 0 && lanes_[blamed->lane].sink) lanes_[blamed->lane].sink->on_place(blamed->id, end.place);
    end = {};
    dead.reset();
    fail_task(*blamed, name, std::move(error));
  } else if (results == 0 && !was_retired && end.at_fault) {
    count_death_without_work(end.setup_error != nullptr);
    if (idle_deaths_ < deaths_without_work || any_has_worked()) return;  // with those there are
    std::exception_ptr error = end.setup_error ? end.setup_error : error_of_end(end, nullptr);
    end = {};
    dead.reset();
    fail_unstartable(std::move(error));
  }
}

/// What throws in its setup will do so again, if it does so everywhere. Who is killed may have been hit by chance: each
/// time there is more time for that to pass.
void dispatcher::count_death_without_work(bool in_setup) {
  if (++idle_deaths_ > 1 && (!in_setup || any_has_worked()))
    start_after_ = after(backoff_after(static_cast<unsigned>(idle_deaths_) - 1, ticker::period));
}

/// Whether there is a worker that has come as far as to begin a task.
bool dispatcher::any_has_worked() const noexcept {
  return std::ranges::any_of(seats_, [this](seat const& s) {
    return s && !s.retired && (s.results > 0 || s.who->progress(now()).begun > 0);
  });
}

/// No worker can be had: what waits cannot be done.
void dispatcher::fail_unstartable(std::exception_ptr error) {
  idle_deaths_ = 0;
  drop_waiting(std::move(error), true);
}

void dispatcher::drop_waiting(std::exception_ptr error, bool saves) {
  while (schedule_.pending() > 0) {
    task_run dropped = schedule_.drop_front();
    if (!saves || settings_.save_failures.empty()) {
      give_up(dropped, error);
      continue;
    }
    while (dropped.count > 0) {
      task_run const task = dropped.take_front(1);
      std::exception_ptr own = own_copy(error);
      save_arguments(task, own);
      give_up(task, std::move(own));
    }
  }
}

// The end of all of them.

void dispatcher::stop() noexcept {
  if (!stopping_since_) dismiss_workers();
  time_point const end_of_grace = *stopping_since_ + settings_.grace, end_of_leaving = *stopping_since_ + time_to_leave();
  for (seat& s : seats_) {
    if (!s) continue;
    bool const busy = busy_at_stop_[s.who->seat], retired = s.retired;
    auto end = s.who->wait_until(busy ? end_of_grace : end_of_leaving);
    if (!end) {
      s.who->end_now();
      end = s.who->wait_until(std::nullopt);
    }
    if (!busy && end) tell_bad_ending(s.who->name(), retired, *end);
    s = {};
  }
  source_->shut_now();
  forget_tasks();
  stopped_ = nullptr;
}

void dispatcher::stop(std::function<void()> then) noexcept {
  stopped_ = std::move(then);
  if (!stopping_since_) dismiss_workers();
  auto const alive = std::weak_ptr(alive_);
  end_stop();
  if (!alive.expired() && stopped_) arm_ticker();
}

void dispatcher::dismiss_workers() noexcept {
  stopping_since_ = now();
  linger_timer_.cancel();
  for (seat& s : seats_) {
    if (!s) continue;
    bool const busy = in_flight(s) > 0;
    busy_at_stop_[s.who->seat] = busy;
    if (busy)
      s.who->end(settings_.grace);
    else
      retire(s);
  }
}

void dispatcher::tick_while_stopping(time_point now) {
  for (seat& s : seats_) {
    if (!s) continue;
    auto const patience = busy_at_stop_[s.who->seat] ? settings_.grace : time_to_leave();
    if (now - *stopping_since_ >= patience) s.who->end_now();
  }
  if (has_workers()) arm_ticker();
}

bool dispatcher::has_workers() const noexcept {
  return std::ranges::any_of(seats_, [](seat const& s) { return static_cast<bool>(s); });
}

void dispatcher::end_stop() {
  if (!stopped_ || has_workers()) return;
  forget_tasks();
  try {
    source_->shut([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired() && stopped_) std::exchange(stopped_, nullptr)();
    });
  } catch (...) {  // no memory to wait with
    auto const then = std::exchange(stopped_, nullptr);
    source_->shut_now();
    if (then) then();
  }
}

void dispatcher::forget_tasks() noexcept {
  schedule_.forget_all();
  tasks_ = task_store();
  delayed_ = {};
  cancelled_later_.clear();
  given_up_.clear();
  for (lane_entry& l : lanes_) l.unfinished = 0;
}

}  // namespace procx::inline v1::detail
