#include "dispatch/dispatcher.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

// The dispatcher's workers: how they are had, watched over and let go.

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::nanoseconds stalled = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds stalled_when_new = std::chrono::seconds(10);
constexpr std::size_t deaths_without_work = 8;  // of new workers, in a row: something is wrong with the pool, not a task

}  // namespace

void dispatcher::stop() noexcept {
  for (auto& link : links_) {
    if (!link) continue;
    if (books_.in_flight(link->number()) > 0)
      link->process().kill(SIGKILL);
    else
      link->retire();
  }
  for (auto& link : links_) {
    if (link && !link->process().foreign())
      if (!link->process().wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(1))) {
        link->process().kill(SIGKILL);
        link->process().wait_until(std::nullopt);
      }
    if (link && arena_ && !link->process().foreign()) arena_->reclaim(link->slab_owner());
    link.reset();
  }
  nursery_.reset();
  books_ = books(settings_.policy);
  tasks_ = task_store();
}

void dispatcher::prepare() {
  if (!nursery_ || !nursery_->alive()) nursery_ = make_nursery();
}

std::shared_ptr<nursery> dispatcher::make_nursery() {
  nursery_knows_ = callables_->size();
  worker_settings const how{settings_.frame_limit, settings_.setup, settings_.teardown};
  return nursery::make([board = board_, callables = callables_, how](nursery_order const& o) {
    worker_order order{};
    std::memcpy(&order, o.message.data(), sizeof order);
    slab_arena::work_for_parent(order.slab_owner);
    return run_worker(o.descriptors[0], o.descriptors[1], (*board)[order.number], *callables, how);
  });
}

void dispatcher::retire_outdated() {
  auto const first = books_.front();
  std::uint32_t const needed = first ? callable_table::needed_for(tasks_[*first].callable) : 0;
  for (auto& link : links_) {
    if (!link || link->retired() || books_.in_flight(link->number()) > 0) continue;
    if (alive() > limit_ || link->knows() < needed) link->retire();
  }
}

void dispatcher::start_workers() {
  while (alive() < limit_ && books_.pending() > 0) {
    std::size_t idle = 0;
    for (auto const& link : links_) idle += link && !link->retired() && books_.in_flight(link->number()) == 0;
    if (books_.pending() <= idle) return;
    try {
      if (!start_worker()) return;
    } catch (boost::system::system_error const&) {
      if (nursery_ && !nursery_->alive() && ++idle_deaths_ < deaths_without_work) continue;  // with a new one
      if (alive() == 0) fail_unstartable(std::current_exception());
      return;  // the work goes on with those there are; the next result tries again
    }
  }
}

bool dispatcher::start_worker() {
  auto const vacant = std::find(links_.begin(), links_.end(), nullptr);
  if (vacant == links_.end()) return false;
  auto const number = static_cast<std::uint32_t>(vacant - links_.begin());
  auto const first = books_.front();
  bool const outdated = first && nursery_knows_ < callable_table::needed_for(tasks_[*first].callable);
  if (!nursery_ || !nursery_->alive() || outdated) nursery_ = make_nursery();

  board_slot& slot = (*board_)[number];
  slot.reset();
  auto [task_read, task_write] = make_pipe();
  auto [result_read, result_write] = make_pipe();
  std::vector<descriptor> given;
  given.push_back(std::move(task_read));
  given.push_back(std::move(result_write));
  worker_order const order{number, slab_arena::new_owner()};
  auto process = nursery_->spawn(std::as_bytes(std::span(&order, 1)), std::move(given), settings_.capture_stderr);
  *vacant = std::make_unique<worker_link>(*this, order, nursery_knows_, slot, nursery_, std::move(process),
                                          std::move(task_write), std::move(result_read));
  books_.add_worker(number);
  slot.credit.store(books_.credit(number), std::memory_order_relaxed);
  return true;
}

void dispatcher::on_death(worker_link& link) {
  settle(std::move(links_[link.number()]));
  sink_.on_progress();
  pump();
}

/// The link goes before the tasks' owners are told, and with it what it holds of the exceptions that they get.
void dispatcher::settle(std::unique_ptr<worker_link> dead) {
  worker_link& link = *dead;
  std::uint32_t const number = link.number();
  pid_t const pid = link.process().pid();
  auto const died = [&] {
    return std::make_exception_ptr(process_died(pid, *link.process().status(), link.process().errors().tail()));
  };
  if (arena_) arena_->reclaim(link.slab_owner());
  if (auto const blamed = books_.died(number, link.begun() > 0)) {
    idle_deaths_ = 0;
    std::exception_ptr error = link.complaint() ? link.complaint() : link.reason();
    if (!error && link.was_killed() && tasks_.intact(*blamed)) {
      books_.put_back(*blamed);  // another was meant
    } else if (link.reason() || !books_.try_again(*blamed, books::failure::death)) {
      if (!error) error = died();
      dead.reset();
      fail_task(*blamed, pid, std::move(error));
    }
  } else if (link.results() == 0 && !link.retired() && !link.orphaned() && ++idle_deaths_ >= deaths_without_work) {
    std::exception_ptr error = link.setup_error() ? link.setup_error() : died();
    dead.reset();
    fail_unstartable(std::move(error));
  }
}

/// No worker can be had: what waits cannot be done.
void dispatcher::fail_unstartable(std::exception_ptr error) {
  idle_deaths_ = 0;
  gave_up_ = gave_up_ || books_.pending() > 0;
  while (books_.pending() > 0) {
    auto const task = books_.drop_front();
    fail_task(task, 0, books_.pending() > 0 ? error : std::move(error));
  }
}

void dispatcher::arm_tick() {
  if (ticking_ || books_.in_flight() == 0) return;
  ticking_ = true;
  tick_.expires_after(tick_time);
  tick_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired()) return;
    ticking_ = false;
    tick();
  });
}

/// Looks after workers that have been at one task for long: what they had finished before it is fetched from the board,
/// and if its time is up it is stopped.
void dispatcher::tick() {
  auto const now = std::chrono::steady_clock::now();
  bool any = false;
  for (auto& link : links_) {
    if (!link || books_.in_flight(link->number()) == 0) continue;
    if (settings_.task_timeout.count() > 0) end_if_stalled(*link, now);
    auto const running = link->running_for(now);
    if (running < tick_time) continue;
    std::uint64_t const before = link->results();
    link->collect_early();
    any = any || link->results() != before;
    std::size_t const begun = link->begun();
    if (settings_.task_timeout.count() > 0 && running >= settings_.task_timeout && begun > 0)
      link->kill_for(begun - 1, std::make_exception_ptr(task_timeout()));
  }
  if (any) sink_.on_progress();
  pump();
}

/// A worker that is stopped while it has no task cannot overrun the time of one: it is let go, and nobody is to blame. One
/// that has begun nothing as yet may be in its setup, for as long as that takes, or wait for a processor.
void dispatcher::end_if_stalled(worker_link& link, std::chrono::steady_clock::time_point now) {
  bool const is_new = link.slot().claimed() == 0;
  if (is_new && settings_.setup) return;
  auto const patience = std::max(settings_.task_timeout, is_new ? stalled_when_new : stalled);
  if (link.stalled_for(now) >= patience) link.process().kill(SIGKILL);
}

/// Workers that have had nothing to do for long end. Only where the loop is ours: on the user's, a timer would keep it
/// from running out of work.
void dispatcher::watch_the_idle() {
  if (idle_watched_ || settings_.idle_timeout.count() == 0 || alive() == 0) return;
  idle_watched_ = true;
  idle_timer_.expires_after(settings_.idle_timeout);
  idle_timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired()) return;
    idle_watched_ = false;
    end_the_idle();
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
