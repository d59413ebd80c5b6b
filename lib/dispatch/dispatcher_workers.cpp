#include "dispatch/dispatcher.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/detail/process/from_now.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <new>
#include <utility>

// The dispatcher's workers: how they are had, let go, and what their deaths mean.

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::nanoseconds least_time_to_leave = std::chrono::seconds(1);  // for a worker that has nothing to do
constexpr std::size_t deaths_without_work = 8;  // of new workers, in a row: something is wrong with the pool, not a task
constexpr std::size_t most_with_large_pipes = 64;  // workers: if all of a user's pipes hold too much, new ones hold little

}  // namespace

std::chrono::nanoseconds dispatcher::time_to_leave() const noexcept {
  return std::max(settings_.grace, least_time_to_leave);
}

void dispatcher::stop() noexcept {
  auto const busy = [this](worker_link const& link) { return books_.in_flight(link.number()) > 0; };
  for (auto& link : links_) {
    if (!link) continue;
    if (busy(*link))
      link->process().kill(settings_.grace.count() > 0 ? SIGTERM : SIGKILL);
    else
      link->retire();
  }
  auto const end_of_grace = from_now(settings_.grace), end_of_leaving = from_now(time_to_leave());
  for (auto& link : links_) {
    if (link && !link->process().foreign()) {
      if (!link->process().wait_until(busy(*link) ? end_of_grace : end_of_leaving)) {
        link->end_overstay();
        link->process().wait_until(std::nullopt);
      }
      if (!busy(*link)) look_at_ending(*link);
    }
    if (link && arena_ && !link->process().foreign()) arena_->reclaim(link->slab_owner());
    if (link && group_) group_->end(link->slab_owner());
    link.reset();
  }
  nursery_.reset();
  books_ = books(settings_.policy);
  tasks_ = task_store();
  delayed_ = {};
  given_up_.clear();
}

void dispatcher::prepare() {
  if (!nursery_ || !nursery_->alive()) nursery_ = make_nursery();
}

std::shared_ptr<nursery> dispatcher::make_nursery() {
  nursery_knows_ = callables_->size();
  worker_settings const how{settings_.frame_limit, settings_.setup, settings_.teardown, settings_.memory_limit,
                            settings_.limits, settings_.capture == captured::everything,
                            settings_.log ? std::optional(mark_) : std::nullopt};
  auto const body = [board = board_, callables = callables_, how, group = group_](nursery_order const& o) {
    worker_order order{};
    std::memcpy(&order, o.message.data(), sizeof order);
    if (group) group->enter(order.slab_owner);
    slab_arena::work_for_parent(order.slab_owner);
    return run_worker(o.descriptors[0], o.descriptors[1], (*board)[order.number], *callables, how);
  };
  if (!group_) return nursery::make(body);
  return nursery::make(body, [group = group_] { group->end_all(); });
}

void dispatcher::retire_outdated() {
  task_run const* const first = books_.front();
  std::uint32_t const needed = first ? callable_table::needed_for(first->head.callable) : 0;
  for (auto& link : links_) {
    if (!link || link->retired() || books_.in_flight(link->number()) > 0) continue;
    if (alive() > limit_ || link->knows() < needed) link->retire();
  }
}

void dispatcher::start_workers() {
  if (idle_deaths_ > 0 && std::chrono::steady_clock::now() < start_after_) return;  // the next tick tries
  while (alive() < limit_ && books_.pending() > 0) {
    std::size_t idle = 0;
    for (auto const& link : links_) idle += link && !link->retired() && books_.in_flight(link->number()) == 0;
    if (books_.pending() <= idle) return;
    try {
      if (!start_worker()) return;
    } catch (std::exception const& e) {
      bool const known = dynamic_cast<boost::system::system_error const*>(&e) || dynamic_cast<std::bad_alloc const*>(&e);
      if (!known) throw;
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
  books_.make_room_for(number);
  task_run const* const first = books_.front();
  bool const outdated = first && nursery_knows_ < callable_table::needed_for(first->head.callable);
  if (!nursery_ || !nursery_->alive() || outdated) nursery_ = make_nursery();

  board_slot& slot = (*board_)[number];
  slot.reset();
  auto [task_read, task_write] = make_pipe();
  auto [result_read, result_write] = make_pipe();
  if (settings_.workers <= most_with_large_pipes)
    for (descriptor const* pipe : {&task_write, &result_write}) ask_for_pipe_size(*pipe, worker_pipe_size);
  std::vector<descriptor> given;
  given.push_back(std::move(task_read));
  given.push_back(std::move(result_write));
  worker_order const order{number, slab_arena::new_owner()};
  auto process = nursery_->spawn(std::as_bytes(std::span(&order, 1)), std::move(given), settings_.capture);
  *vacant = std::make_unique<worker_link>(*this, order, nursery_knows_, slot, nursery_, std::move(process),
                                          std::move(task_write), std::move(result_read));
  books_.add_worker(number);
  slot.credit.store(books_.credit(number), std::memory_order_relaxed);
  return true;
}

/// Runs foreign code in the middle of everything.
void dispatcher::log(worker_link const& from, std::optional<std::uint64_t> task, std::string_view text) const noexcept {
  try {
    settings_.log({from.pid(), from.number(), task ? std::optional(sink_.number_of(*task)) : std::nullopt, text});
  } catch (...) {
    // It must not throw, and the line is lost.
  }
}

void dispatcher::on_death(worker_link& link) {
  settle(std::move(links_[link.number()]));
  sink_.on_progress();
}

/// The link goes before the tasks' owners are told, and with it what it holds of the exceptions that they get.
void dispatcher::settle(std::unique_ptr<worker_link> dead) {
  worker_link& link = *dead;
  pid_t const pid = link.pid();
  look_at_ending(link);
  if (arena_) arena_->reclaim(link.slab_owner());
  if (group_) group_->end(link.slab_owner());
  auto const blamed = books_.died(link.number(), link.begun() > 0 || (link.complaint() && link.results() > 0));
  if (blamed) {
    idle_deaths_ = 0;
    auto const reason = link.reason();
    if (link.another_was_meant() && !link.complaint() && tasks_.intact(*blamed)) return books_.put_back(*blamed);
    std::exception_ptr error = link.complaint() ? link.complaint() : error_of_death(link, blamed);
    bool const is_final = reason == death_cause::timeout || reason == death_cause::cancellation;
    if (!is_final && try_again(*blamed, books::failure::death)) return;
    if (reason != death_cause::cancellation) keep(*blamed, error);
    dead.reset();
    fail_task(*blamed, pid, std::move(error));
  } else if (link.results() == 0 && !link.retired() && !link.orphaned()) {
    // What throws in its setup will do so again, if it does so everywhere. Who is killed may have been hit by chance: each
    // time there is more time for that to pass.
    if (++idle_deaths_ > 1 && (!link.setup_error() || any_has_worked()))
      start_after_ = std::chrono::steady_clock::now() + backoff_after(static_cast<unsigned>(idle_deaths_) - 1, ticker::period);
    if (idle_deaths_ < deaths_without_work) return;
    if (any_has_worked()) return;  // with those there are
    std::exception_ptr error = link.setup_error() ? link.setup_error() : error_of_death(link, std::nullopt);
    dead.reset();
    fail_unstartable(std::move(error));
  }
}

bool dispatcher::any_has_worked() const noexcept {
  return std::ranges::any_of(links_, [](auto const& link) { return link && !link->retired() && link->slot().claimed() > 0; });
}

/// No worker can be had: what waits cannot be done.
void dispatcher::fail_unstartable(std::exception_ptr error) {
  idle_deaths_ = 0;
  drop_waiting(std::move(error), true);
}

void dispatcher::drop_waiting(std::exception_ptr error, bool keeps) {
  while (books_.pending() > 0) {
    task_run dropped = books_.drop_front();
    if (!keeps || settings_.save_failures.empty()) {
      give_up(dropped, error);
      continue;
    }
    while (dropped.count > 0) {
      task_run const task = dropped.take_front(1);
      std::exception_ptr own = own_copy(error);
      keep(task, own);
      give_up(task, std::move(own));
    }
  }
}

}  // namespace procx::inline v1::detail
