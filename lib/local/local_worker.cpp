#include "local/local_worker.hpp"

#include "local/worker_process.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/detail/system/from_now.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <new>
#include <utility>

namespace procx::inline v1::detail {

namespace {

constexpr std::size_t frame_at_most = 32 * 1024;  // with more than one task: the worker begins when it has all of it
constexpr std::size_t frames_at_once = 64;

/// Appends what is behind the first `skipped` bytes, if anything is; how many pieces there are then.
std::size_t add_rest(std::span<iovec> pieces, std::size_t n, std::span<std::byte const> bytes, std::size_t skipped) {
  if (skipped >= bytes.size()) return n;
  pieces[n] = {const_cast<std::byte*>(bytes.data() + skipped), bytes.size() - skipped};
  return n + 1;
}

}  // namespace

local_worker::local_worker(local_workers& source, worker_order const& order, std::shared_ptr<nursery_link> from,
                           board_slot& slot, std::unique_ptr<process_state> process, descriptor tasks, descriptor results)
    : source_(source),
      events_(source.events_),
      order_(order),
      slot_(slot),
      from_(std::move(from)),
      process_(std::move(process)),
      pid_(process_->pid()),
      tasks_fd_(std::move(tasks)),
      results_fd_(std::move(results)),
      tasks_(source.loop_.executor()),
      results_(source.loop_.executor()),
      pidfd_(source.loop_.executor()),
      errors_(source.loop_.executor()),
      reader_(std::max(options().frame_limit, board_slot::results_size), worker_pipe_size) {
  set_nonblocking(tasks_fd_.get(), true);
  set_nonblocking(results_fd_.get(), true);
  try {
    tasks_.assign(tasks_fd_.get());
    results_.assign(results_fd_.get());
    pidfd_.assign(process_->pidfd());
    if (process_->errors().fd() >= 0) errors_.assign(process_->errors().fd());
    results_.non_blocking(true);
    if (options().log) forward_output();
    read();
    watch_process();
    watch_stderr();
  } catch (...) {
    release_descriptors();
    if (options().log) process_->errors().redirect({}, nullptr, nullptr);
    throw;
  }
}

local_worker::~local_worker() {
  alive_.reset();
  release_descriptors();
  release_belongings();
  source_.release(order_, *from_);
  if (process_->status()) return;
  if (options().log) process_->errors().redirect({}, nullptr, nullptr);
  abandon(std::move(process_));
}

/// What it holds beside descriptors, once it has ended or nobody waits for that.
void local_worker::release_belongings() noexcept {
  if (std::exchange(released_, true) || process_->foreign()) return;
  if (source_.arena_) source_.arena_->reclaim(order_.slab_owner);
  if (source_.group_) source_.group_->end(order_.slab_owner);
}

/// They are closed by those whose they are, and by nobody else.
void local_worker::release_descriptors() noexcept {
  for (stream* s : {&tasks_, &results_, &pidfd_, &errors_})
    if (s->is_open()) s->release();
}

void local_worker::add(task_run const& tasks) {
  if (resting_) wake();
  task_run run = tasks;
  stalled_at_task_ = ~std::uint64_t{0};
  if (options().log)
    for (std::uint32_t i = 0; i < run.count; ++i) printing_.push_back(run.id + i);
  std::size_t const most = std::min(frame_at_most, options().frame_limit);
  auto const in_one_frame = static_cast<std::uint32_t>(std::max<std::size_t>(1, most / run.length));
  while (run.count > 0) {
    task_run const some = run.take_front(std::min(run.count, in_one_frame));
    task_piece const piece(some, claim::of(epoch_, next_task_).word);
    bool const open = unsent_.size() > 1 || (unsent_.size() == 1 && sent_ == 0);
    if (!open || !unsent_.back().append(piece, most)) unsent_.push_back(piece);
    next_task_ += some.count;
    unsent_tasks_ += some.count;
  }
}

void local_worker::flush() {
  if (writing_ || ended_) return;
  while (!unsent_.empty() || !stale_.empty()) {
    auto const r = write_some_tasks();
    if (r.error) process_->kill(SIGKILL);  // what it did not get it would wait for
    if (r.end || r.error) break;           // it is dying: the other watches tell
    if (!r.would_block) continue;
    writing_ = true;
    tasks_.async_wait(stream::wait_write, [this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
      if (alive.expired() || source_.loop_.foreign()) return;
      writing_ = false;
      events_.guarded([this] { flush(); });
    });
    return;
  }
  if (retired_ && tasks_.is_open()) {
    tasks_.release();
    tasks_fd_.close();
  }
}

/// As many tasks as fit into one write, from where they lie.
io_result local_worker::write_some_tasks() {
  if (!stale_.empty()) {
    auto const r = write_some(tasks_fd_.get(), stale_);
    stale_.drop_front(r.bytes);
    return r;
  }
  std::array<task_piece::head_bytes, frames_at_once> heads;
  std::array<iovec, 2 * frames_at_once> pieces;
  std::size_t const count = std::min(unsent_.size(), frames_at_once);
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t const skipped = i == 0 ? sent_ : 0;
    heads[i] = unsent_[i].head();
    n = add_rest(pieces, n, heads[i], skipped);
    n = add_rest(pieces, n, unsent_[i].arguments(events_.tasks()), skipped - std::min(skipped, heads[i].size()));
  }
  auto const r = write_some(tasks_fd_.get(), std::span(pieces).first(n));
  count_sent(r.bytes);
  return r;
}

void local_worker::count_sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  while (!unsent_.empty() && sent_ >= unsent_.front().size()) {
    sent_ -= unsent_.front().size();
    unsent_tasks_ -= unsent_.front().tasks();
    unsent_.pop_front();
  }
}

std::optional<std::size_t> local_worker::recall() {
  claim const now = slot_.recall();
  bool const ours = now.epoch() == claim::of(epoch_ + 1, 0).epoch();
  if (!ours || now.count() < next_result_ || now.count() > next_task_) {
    distrust();
    return static_cast<std::size_t>(next_task_ - next_result_);
  }
  if (sent_ > 0) {  // the rest of the frame that has left in part must follow, though the worker will pass it over
    auto const head = unsent_.front().head();
    auto const arguments = unsent_.front().arguments(events_.tasks());
    for (auto const bytes : {std::span<std::byte const>(head), arguments}) {
      std::size_t const skipped = std::min(sent_, bytes.size());
      stale_.append(bytes.data() + skipped, bytes.size() - skipped);
      sent_ -= skipped;
    }
  }
  unsent_.clear();
  unsent_tasks_ = 0;
  epoch_ = now.epoch();
  next_task_ = now.count();
  if (!printing_.empty()) printing_.resize(std::min<std::size_t>(printing_.size(), next_task_ - first_printing_));
  return static_cast<std::size_t>(next_task_ - next_result_);
}

/// How many tasks the worker has begun since it was made: all whose results are here, and none that it was not given.
std::uint64_t local_worker::claimed() const noexcept { return std::clamp(slot_.claimed(), next_result_, next_task_); }

bool local_worker::makes_sense() noexcept {
  claim const seen{slot_.claim_word.load(std::memory_order_acquire)};
  std::uint64_t const returned = slot_.returned.load(std::memory_order_acquire);
  // It goes on meanwhile: `returned`, which was read later, may be ahead.
  bool const sensible = seen.epoch() == epoch_ && seen.count() >= next_result_ && seen.count() <= next_task_ &&
                        returned + 1 >= seen.count() && returned <= next_task_;
  if (!sensible && !ended_) distrust();
  return sensible;
}

/// Nothing that it notes is believed any more, nor what it sends.
void local_worker::distrust() noexcept {
  if (!complaint_)
    complaint_ = std::make_exception_ptr(protocol_error("what a worker has noted in shared memory cannot be true"));
  process_->kill(SIGKILL);
}

void local_worker::retire() noexcept {
  try {
    wake();
    retired_ = true;
    flush();
  } catch (...) {  // nobody can wait for it, nor send it what it still has to do
    retired_ = true;
    process_->kill(SIGKILL);
  }
}

std::chrono::nanoseconds local_worker::running_for(std::chrono::steady_clock::time_point now) noexcept {
  std::uint64_t const claimed = slot_.claimed();
  bool const runs = !between_tasks();
  if (!runs || claimed != seen_claimed_) {
    seen_claimed_ = runs ? claimed : 0;
    seen_at_ = now;
  }
  return now - seen_at_;
}

std::chrono::nanoseconds local_worker::stalled_for(std::chrono::steady_clock::time_point now) noexcept {
  std::uint64_t const claimed = slot_.claimed();
  if (!between_tasks() || claimed != stalled_at_task_ || next_result_ != stalled_at_result_) {
    stalled_at_task_ = between_tasks() ? claimed : ~std::uint64_t{0};
    stalled_at_result_ = next_result_;
    stalled_at_ = now;
  }
  return now - stalled_at_;
}

/// The task that it was to be killed for has run: the next one has its own time, and its own end.
void local_worker::forgive_if_over() noexcept {
  if (!was_killed() || slot_.returned.load(std::memory_order_acquire) < killed_for_) return;
  kill_at_.reset();
  killed_for_ = 0;
  strays_end_ = slot_.claimed() + 1;
}

bool local_worker::another_was_meant() const noexcept {
  int const signal = process_->status() ? process_->status()->signal() : 0;
  bool const ours = signal == 0 || signal == SIGTERM || signal == SIGKILL;  // 0: it has handled SIGTERM, and left
  return ours && !reason() && (was_killed() || next_result_ < strays_end_);
}

worker_progress local_worker::progress(time_point now) noexcept {
  return {.begun = begun(), .runs = !between_tasks(), .running_for = running_for(now)};
}

std::optional<death_cause> local_worker::reason() const noexcept {
  if (killed_for_ == next_result_ + 1) return cause_;
  return std::nullopt;
}

void local_worker::stop_task(std::size_t ahead, stop_how how, death_cause cause, std::chrono::nanoseconds grace) noexcept {
  if (how == stop_how::ask)
    slot_.stop.store(next_result_ + ahead + 1, std::memory_order_release);
  else
    kill_for(ahead, cause, grace);
}

void local_worker::end(std::chrono::nanoseconds grace) noexcept { process_->kill(grace.count() > 0 ? SIGTERM : SIGKILL); }

void local_worker::end_now() noexcept {
  overstayed_ = true;
  process_->kill(SIGKILL);
}

/// Ends the worker because of the task that it has `ahead` others before: SIGTERM, and SIGKILL if it is still there after
/// the grace.
void local_worker::kill_for(std::size_t ahead, death_cause cause, std::chrono::nanoseconds grace) noexcept {
  forgive_if_over();
  if (was_killed() && grace.count() > 0) return;
  if (!was_killed()) {
    killed_for_ = next_result_ + ahead + 1;
    cause_ = cause;
  }
  if (grace.count() > 0) kill_at_ = from_now(grace);
  process_->kill(grace.count() > 0 ? SIGTERM : SIGKILL);
}

void local_worker::kill_if_due(std::chrono::steady_clock::time_point now) noexcept {
  forgive_if_over();
  if (!kill_at_ || now < *kill_at_) return;
  kill_at_.reset();
  process_->kill(SIGKILL);
}

void local_worker::rest() {
  if (resting_ || retired_ || ended_) return;
  process_->errors().drain();
  resting_ = true;
  for (stream* s : {&results_, &pidfd_, &errors_})
    if (s->is_open()) s->cancel();
}

void local_worker::wake() {
  if (!std::exchange(resting_, false)) return;
  read();
  watch_process();
  watch_stderr();
}

}  // namespace procx::inline v1::detail
