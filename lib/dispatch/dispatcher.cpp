#include "dispatch/dispatcher.hpp"

#include "dispatch/worker.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t deaths_without_work = 8;  // in a row: then something is wrong with the pool, not with a task
constexpr std::chrono::milliseconds tick_time{10};

}  // namespace

dispatcher::dispatcher(event_loop& loop, settings const& s, std::shared_ptr<callable_table> callables, task_sink& sink)
    : loop_(loop),
      settings_(s),
      limit_(s.workers),
      callables_(std::move(callables)),
      sink_(sink),
      books_(s.policy),
      board_(std::make_shared<board>(s.workers)),
      links_(s.workers),
      tick_(loop.executor()) {}

dispatcher::~dispatcher() {
  alive_.reset();
  stop();
}

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
    link.reset();
  }
  nursery_.reset();
  books_ = books(settings_.policy);
}

void dispatcher::prepare() {
  if (!nursery_ || !nursery_->alive()) nursery_ = make_nursery();
}

std::shared_ptr<nursery> dispatcher::make_nursery() {
  nursery_knows_ = callables_->size();
  return nursery::make([board = board_, callables = callables_, limit = settings_.frame_limit](nursery_order const& o) {
    std::uint32_t number = 0;
    std::memcpy(&number, o.message.data(), sizeof number);
    return run_worker(o.descriptors[0], o.descriptors[1], (*board)[number], *callables, limit);
  });
}

buffer& dispatcher::begin_task(std::uint64_t id, std::uint32_t callable) {
  if (free_.empty()) {
    free_.push_back(static_cast<books::task_id>(tasks_.size()));
    tasks_.emplace_back();
  }
  open_ = free_.back();
  free_.pop_back();
  task& t = tasks_[open_];
  t.id = id;
  t.callable = callable;
  t.frame.clear();
  frame_writer(t.frame).begin();
  t.frame.append(&callable, sizeof callable);
  return t.frame;
}

void dispatcher::commit_task() {
  buffer& frame = tasks_[open_].frame;
  std::size_t const length = frame.size() - frame_header::size;
  if (length > settings_.frame_limit) {
    abandon_task();
    throw protocol_error("a task of " + std::to_string(length) + " bytes does not fit into a frame, the limit is " +
                             std::to_string(settings_.frame_limit),
                         errc::value_too_large);
  }
  frame_header{frame_kind::task, 0, length, 0}.write(frame.data());
  books_.add(open_, frame.size());
}

void dispatcher::abandon_task() noexcept { free_.push_back(open_); }

std::size_t dispatcher::room() const {
  std::size_t wanted = 0;
  for (auto const& link : links_)
    wanted += link ? books_.credit(link->number()) - std::min<std::size_t>(books_.credit(link->number()),
                                                                          books_.in_flight(link->number()))
                   : 0;
  if (alive() < limit_) wanted += (limit_ - alive()) * books_.first_credit();
  return wanted - std::min(wanted, books_.pending());
}

void dispatcher::pump() {
  do {
    gave_up_ = false;
    retire_outdated();
    start_workers();
    hand_out();
    if (gave_up_) sink_.on_progress();  // which may add tasks
  } while (gave_up_);
  arm_tick();
  if (loop_.is_private() || !idle()) return;
  for (auto& link : links_)
    if (link) link->rest();
}

void dispatcher::retire_outdated() {
  auto const first = books_.front();
  bool const newer = first && tasks_[*first].callable != callable_table::travels;
  for (auto& link : links_) {
    if (!link || link->retired() || books_.in_flight(link->number()) > 0) continue;
    if (alive() > limit_ || (newer && link->knows() <= tasks_[*first].callable)) link->retire();
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
  bool const outdated = first && tasks_[*first].callable != callable_table::travels &&
                        tasks_[*first].callable >= nursery_knows_;
  if (!nursery_ || !nursery_->alive() || outdated) nursery_ = make_nursery();

  board_slot& slot = (*board_)[number];
  slot.reset();
  auto [task_read, task_write] = make_pipe();
  auto [result_read, result_write] = make_pipe();
  std::vector<descriptor> given;
  given.push_back(std::move(task_read));
  given.push_back(std::move(result_write));
  auto process = nursery_->spawn(std::as_bytes(std::span(&number, 1)), std::move(given), settings_.capture_stderr);
  *vacant = std::make_unique<worker_link>(*this, number, nursery_knows_, slot, nursery_, std::move(process),
                                          std::move(task_write), std::move(result_read));
  books_.add_worker(number);
  slot.credit.store(books_.credit(number), std::memory_order_relaxed);
  return true;
}

void dispatcher::hand_out() {
  if (books_.pending() == 0) return;
  std::size_t usable = 0;
  for (auto const& link : links_) usable += link && !link->retired() && books_.appetite(link->number()) > 0;
  if (usable == 0) return;
  // Nobody gets more than its share of what is there, nor near the end of all there will be.
  std::size_t share = (books_.pending() + usable - 1) / usable;
  if (remaining_ != ~std::size_t{0})
    share = std::min(share, std::max<std::size_t>(1, (books_.pending() + remaining_) / (2 * usable)));
  for (bool const idle_first : {true, false})
    for (auto& link : links_) {
      if (!link || link->retired() || (books_.in_flight(link->number()) == 0) != idle_first) continue;
      if (give(*link, std::min(share, books_.appetite(link->number())))) link->flush();
    }
}

std::size_t dispatcher::give(worker_link& link, std::size_t count) {
  std::size_t given = 0;
  for (; given < count; ++given) {
    auto const first = books_.front();
    if (!first) break;
    task const& t = tasks_[*first];
    if (t.callable != callable_table::travels && t.callable >= link.knows()) break;
    auto const slot = books_.assign(link.number());
    if (!slot) break;
    link.add(t.frame);
  }
  return given;
}

void dispatcher::finish_task(books::task_id slot) {
  if (tasks_[slot].frame.capacity() > 64 * 1024) tasks_[slot].frame.release();
  free_.push_back(slot);
}

void dispatcher::on_result(worker_link& link, frame const& result) {
  idle_deaths_ = 0;
  books::task_id const slot = books_.finished(link.number());
  if (result.kind == frame_kind::value) {
    sink_.on_value(tasks_[slot].id, link.process().pid(), result.payload);
  } else if (!books_.try_again(slot, books::failure::exception)) {
    std::exception_ptr error;
    try {
      error = std::make_exception_ptr(remote_exception(decode<exception_record>(result.payload)));
    } catch (...) {
      error = std::current_exception();
    }
    sink_.on_failure(tasks_[slot].id, link.process().pid(), std::move(error));
  } else {
    return;
  }
  finish_task(slot);
}

void dispatcher::on_read(worker_link& link) {
  std::uint64_t const busy = link.busy_ns();
  if (busy != link.measured_busy) {
    books_.measured(link.number(), link.results() - link.measured_results,
                    std::chrono::nanoseconds(busy - link.measured_busy));
    link.measured_busy = busy;
    link.measured_results = link.results();
    link.slot().credit.store(books_.credit(link.number()), std::memory_order_relaxed);
  }
  sink_.on_progress();
  pump();
}

void dispatcher::on_death(worker_link& link) {
  std::uint32_t const number = link.number();
  auto const dead = std::move(links_[number]);
  bool const ran = link.runs_a_task();
  auto const blamed = books_.died(number, ran);
  if (blamed) {
    idle_deaths_ = 0;
    std::exception_ptr error = link.complaint();
    if (link.timed_out()) error = std::make_exception_ptr(task_timeout());
    if (!error)
      error = std::make_exception_ptr(
          process_died(link.process().pid(), *link.process().status(), link.process().errors().tail()));
    if (link.timed_out() || !books_.try_again(*blamed, books::failure::death)) {
      sink_.on_failure(tasks_[*blamed].id, link.process().pid(), std::move(error));
      finish_task(*blamed);
    }
  } else if (!link.retired() && !link.orphaned() && ++idle_deaths_ >= deaths_without_work) {
    fail_unstartable(std::make_exception_ptr(
        process_died(link.process().pid(), *link.process().status(), link.process().errors().tail())));
  }
  sink_.on_progress();
  pump();
}

/// No worker can be had: what waits cannot be done.
void dispatcher::fail_unstartable(std::exception_ptr const& error) {
  idle_deaths_ = 0;
  gave_up_ = gave_up_ || books_.pending() > 0;
  while (books_.pending() > 0) {
    books::task_id const slot = books_.drop_front();
    sink_.on_failure(tasks_[slot].id, 0, error);
    finish_task(slot);
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
    auto const running = link->running_for(now);
    if (running < tick_time) continue;
    std::uint64_t const before = link->results();
    link->collect_early();
    any = any || link->results() != before;
    if (settings_.task_timeout.count() > 0 && running >= settings_.task_timeout && !link->timed_out())
      link->mark_timed_out();
  }
  if (any) sink_.on_progress();
  pump();
}

std::vector<pid_t> dispatcher::busy_pids() const {
  std::vector<pid_t> pids;
  for (auto const& link : links_)
    if (link && books_.in_flight(link->number()) > 0) pids.push_back(link->process().pid());
  return pids;
}

}  // namespace procx::inline v1::detail
