#include "dispatch/dispatcher.hpp"

#include "memory/slab_sources.hpp"
#include "process/stop_level.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// Taking tasks back and handing them out again costs some microseconds: what would not take so long stays.
constexpr std::chrono::milliseconds worth_a_recall{1};
// Bytes in shared memory are handed over without being moved: a worker may have more of them.
constexpr std::size_t slab_weight = 4;

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
      arena_(slab_arena::own()),
      open_blocks_(runs_once()),
      ticker_(loop.executor()),
      idle_timer_(loop.executor()) {
  if (arena_) arena_->enter();
  if (s.limits.control_groups) group_ = control_group::make();
}

dispatcher::~dispatcher() {
  alive_.reset();
  stop();
  if (arena_ && !loop_.foreign()) arena_->leave();
}

void dispatcher::refuse_task() {
  std::size_t const size = tasks_.open_size() + open_blocks_.bytes();
  abandon_task();
  throw_too_large("a task", size, settings_.frame_limit);
}

void dispatcher::add_task(std::uint64_t id, packed_task task) {
  open_head_ = task.head;
  tasks_.begin().append(task.bytes.data(), task.bytes.size());
  open_blocks_.adopt(std::move(task.slabs), task.slab_bytes);
  commit_task(id);
}

void dispatcher::keep_blocks(task_run& task, slab_sink& blocks) {
  std::size_t const bytes = blocks.bytes(), weight = task.weight + bytes / slab_weight;
  tasks_.keep(task, blocks.take(), bytes);
  task.weight = static_cast<std::uint32_t>(std::min<std::size_t>(weight, ~std::uint32_t{0}));
}

std::size_t dispatcher::room() const {
  if (books_.has_plenty()) return 0;
  std::size_t wanted = 0;
  for (auto const& link : links_) {
    if (!link || link->held()) continue;
    std::size_t const credit = books_.credit(link->number());
    wanted += credit - std::min(credit, books_.in_flight(link->number()));
  }
  if (alive() < limit_) wanted += (limit_ - alive()) * books_.first_credit();
  return wanted - std::min(wanted, books_.pending());
}

bool dispatcher::short_of_tasks() const {
  std::size_t wanted = alive() < limit_ ? limit_ - alive() : 0;
  for (auto const& link : links_) {
    if (!link || link->retired() || link->held()) continue;
    std::size_t const enough = std::min(books_.credit(link->number()), std::uint32_t{2});
    wanted += enough - std::min(enough, books_.in_flight(link->number()));
  }
  return wanted > books_.pending();
}

bool dispatcher::wants_one() const {
  if (settings_.policy.window) return room() > 0;
  std::size_t idle = alive() < limit_ ? limit_ - alive() : 0;
  for (auto const& link : links_) idle += link && !link->retired() && books_.in_flight(link->number()) == 0;
  return idle > books_.pending();
}

void dispatcher::pump() {
  if (stop_level() > 0) [[unlikely]] heed_signals();
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
    if (!idle()) return;
    guarded([this] {
      for (auto& link : links_)
        if (link) link->rest();
    });
  });
}

bool dispatcher::wants_work(worker_link const& link) const noexcept {
  return !link.retired() && !link.held() && !used_up(link) && books_.appetite(link.number()) > 0;
}

void dispatcher::hand_out() {
  if (books_.pending() == 0) return;
  std::size_t const usable = std::ranges::count_if(links_, [&](auto const& link) { return link && wants_work(*link); });
  if (usable == 0) return;
  // Nobody gets more than its share of what is there, nor near the end of all there will be.
  std::size_t share = (books_.pending() + usable - 1) / usable;
  if (remaining_ != ~std::size_t{0})
    share = std::min(share, std::max<std::size_t>(1, (books_.pending() + remaining_) / (2 * usable)));
  for (bool const idle_first : {true, false})
    for (auto& link : links_) {
      if (!link || !wants_work(*link) || (books_.in_flight(link->number()) == 0) != idle_first) continue;
      if (give(*link, std::min(share, books_.appetite(link->number())))) link->flush();
    }
}

std::size_t dispatcher::give(worker_link& link, std::size_t count) {
  bool const knows_all = link.knows() == callables_->size();
  auto const may = [&](task_run const& run) {
    return knows_all || link.knows() >= callable_table::needed_for(run.head.callable);
  };
  if (std::size_t const most = settings_.limits.recycle_after_tasks) count = std::min(count, most - link.given());
  std::size_t const given = books_.assign(link.number(), count, may, [&](task_run const& run) { link.add(run); });
  if (given) link.idle_since.reset();
  if (used_up(link)) link.retire();
  return given;
}

/// Whether the worker has had all the tasks that one process is to run.
bool dispatcher::used_up(worker_link const& link) const noexcept {
  std::size_t const most = settings_.limits.recycle_after_tasks;
  return most > 0 && link.given() >= most;
}

bool dispatcher::has_idle_worker() const noexcept {
  return alive() < limit_ || std::ranges::any_of(links_, [&](auto const& link) {
           return link && !link->retired() && books_.in_flight(link->number()) == 0;
         });
}

/// When nothing waits and a worker has nothing to do, others give up what they will not come to for some time.
void dispatcher::recall_for_the_idle() {
  if (books_.pending() > 0 || books_.in_flight() <= 1 || !has_idle_worker()) return;
  auto const now = std::chrono::steady_clock::now();
  for (auto& link : links_) {
    if (!link || link->retired() || link->held()) continue;
    std::size_t const begun = link->begun();
    if (begun == 0 || begun >= books_.in_flight(link->number())) continue;
    bool const for_long = link->running_for(now) >= ticker::period;
    if (!for_long && books_.unbegun_work(link->number(), begun) < worth_a_recall) continue;
    recall(*link);
    if (for_long) link->hold();
  }
  if (books_.pending() == 0) return;
  start_workers();
  hand_out();
}

void dispatcher::recall(worker_link& link) { books_.recalled(link.number(), link.recall()); }

bool dispatcher::cancel(std::uint64_t id, cancellation how) {
  auto dropped = books_.withdraw(id);
  if (!dropped) dropped = delayed_.remove(id);
  for (auto& link : links_) {
    auto const ahead = link && !dropped ? books_.place(link->number(), id) : std::nullopt;
    if (!ahead) continue;
    if (*ahead >= link->begun()) {
      recall(*link);
      dropped = books_.withdraw(id);
    }
    bool const running = !dropped && *ahead + 1 == link->begun() && !link->between_tasks();
    if (running && how == cancellation::ask) link->ask_to_stop(*ahead);
    if (running && how == cancellation::kill) link->kill_for(*ahead, death_cause::cancellation, settings_.grace);
    break;
  }
  if (dropped) give_up(*dropped, std::make_exception_ptr(task_cancelled()));
  return dropped.has_value();
}

void dispatcher::on_values(worker_link& link, value_series const& values) {
  idle_deaths_ = 0;
  task_run const done = books_.finished(link.number(), static_cast<std::uint32_t>(values.count));
  link.unmeasured_bytes += values.length * values.count;
  sink_.on_values(done.id, link.pid(), values);
  tasks_.erase(done);
}

void dispatcher::on_result(worker_link& link, frame const& result) {
  idle_deaths_ = 0;
  task_run const task = books_.finished(link.number());
  link.unmeasured_bytes += result.payload.size();
  if (result.kind == frame_kind::value) {
    on_large_value(task.id, link, result);
    tasks_.erase(task);
  } else if (!try_again(task, books::failure::exception)) {
    std::exception_ptr error;
    try {
      error = std::make_exception_ptr(remote_exception(decode<exception_record>(result.payload)));
    } catch (...) {
      error = std::current_exception();
    }
    keep(task, error);
    fail_task(task, link.pid(), std::move(error));
  }
}

void dispatcher::on_refused(worker_link& link, std::exception_ptr why) {
  idle_deaths_ = 0;
  task_run const task = books_.finished(link.number());
  if (try_again(task, books::failure::exception)) return;
  keep(task, why);
  fail_task(task, link.pid(), std::move(why));
}

void dispatcher::on_large_value(std::uint64_t id, worker_link& link, frame const& result) {
  std::optional<received_slabs> slabs;
  std::span<std::byte const> bytes;
  try {
    if (!arena_) throw protocol_error("a result refers to memory that there is not");
    slabs.emplace(*arena_);
    bytes = slabs->take(result.payload, link.slab_owner());
  } catch (...) {
    return sink_.on_failure(id, link.pid(), std::current_exception());
  }
  link.unmeasured_bytes += slabs->bytes();
  sink_.on_value(id, link.pid(), encoded_value(bytes, &*slabs, slabs->bytes()));
}

void dispatcher::on_read(worker_link& link) {
  std::uint64_t const busy = link.busy_ns();
  if (busy != link.measured_busy) {
    books_.measured(link.number(), link.results() - link.measured_results,
                    std::chrono::nanoseconds(busy - link.measured_busy), std::exchange(link.unmeasured_bytes, 0));
    link.measured_busy = busy;
    link.measured_results = link.results();
    link.slot().credit.store(books_.credit(link.number()), std::memory_order_relaxed);
  }
  if (settings_.limits.recycle_after_memory) [[unlikely]] watch_memory_after_tasks(link);
  if (books_.in_flight(link.number()) == 0 && !link.idle_since) link.idle_since = std::chrono::steady_clock::now();
  sink_.on_progress();
}

std::vector<pid_t> dispatcher::busy_pids() const {
  std::vector<pid_t> pids;
  for (auto const& link : links_)
    if (link && books_.in_flight(link->number()) > 0) pids.push_back(link->process().pid());
  return pids;
}

}  // namespace procx::inline v1::detail
