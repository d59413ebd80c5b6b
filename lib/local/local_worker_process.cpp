#include "local/local_worker.hpp"
#include "local/results_copy.hpp"
#include "local/worker_process.hpp"
#include "local/worker_results.hpp"
#include "system/memory_use.hpp"
#include "system/ticker.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <csignal>
#include <new>
#include <span>
#include <utility>

// The other half of a link: the process itself, what it prints, and its end.

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::milliseconds least_between_looks{1};  // at a worker's memory: a look costs some microseconds
constexpr std::chrono::nanoseconds stalled = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds stalled_when_new = std::chrono::seconds(10);

}  // namespace

/// What the worker prints goes to the log, with the task that printed it: the worker marks where a new one begins.
void local_worker::forward_output() {
  process_->errors().redirect(
      source_.mark_,
      [this](std::string_view line) {
        std::optional<std::uint64_t> task;
        if (printing_task_ && !printing_.empty()) task = printing_.front();
        try {
          options().log({pid_, order_.number, task, line});  // foreign code in the middle of everything
        } catch (...) {
          // It must not throw, and the line is lost.
        }
      },
      [this](std::uint64_t number) {
        printing_task_ = number != output_mark::nothing;
        if (!printing_task_) return;
        for (; first_printing_ < number && !printing_.empty(); ++first_printing_) printing_.pop_front();
      });
}

/// What a task has printed is in the log before its result is anywhere.
void local_worker::hear_first() {
  if (!options().log) return;
  std::uint64_t const done = slot_.done.load(std::memory_order_acquire);
  process_->errors().drain();
  if (first_printing_ < done) process_->errors().finish_lines();  // that task prints no more
}

void local_worker::watch(stream& what, bool& armed, void (local_worker::*then)()) {
  if (!what.is_open() || resting_ || std::exchange(armed, true)) return;
  what.async_wait(stream::wait_read,
                  [this, &what, &armed, then, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                    if (alive.expired() || source_.loop_.foreign()) return;
                    armed = false;
                    events_.guarded([&] {
                      if (error) return watch(what, armed, then);  // rested meanwhile
                      (this->*then)();
                    });
                  });
}

void local_worker::watch_process() { watch(pidfd_, process_watched_, &local_worker::on_pidfd); }
void local_worker::watch_stderr() { watch(errors_, stderr_watched_, &local_worker::on_stderr); }

void local_worker::on_pidfd() {
  // Asio may report for a new descriptor what it has just seen of an old one.
  if (has_ended())
    on_end();
  else if (!awaits_word_)
    watch_process();
}

/// Whether it is known how it has ended. If only the nursery's word of that is missing, it is waited for.
bool local_worker::has_ended() {
  if (process_->try_wait(false)) return true;
  if (!process_->is_gone() || std::exchange(awaits_word_, true)) return false;
  from_->when_heard([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    awaits_word_ = false;
    on_pidfd();
  });
  return false;
}

void local_worker::on_stderr() {
  process_->errors().drain();
  if (process_->errors().fd() < 0)
    errors_.release();
  else
    watch_stderr();
}

void local_worker::hear_last() {
  results_copy copy;
  if (!copy) return;
  std::span<std::byte const> left = slot_.copy_results(copy.bytes());
  try {
    while (auto const f = worker_results::next_of(left))
      if (is_word_of_teardown(*f)) take(*f);
  } catch (protocol_error const&) {
  }
}

/// End-of-file, the pidfd or nonsense: whichever is seen first. Nothing is decided before the process is gone.
void local_worker::on_end() {
  if (!ended_) {
    ended_ = true;
    results_.cancel();
  }
  try_bury();
}

/// Some of it; false if there is no more, or no memory for it.
bool local_worker::read_what_is_left() {
  std::span<std::byte> room;
  try {
    room = room_for_results();
  } catch (std::bad_alloc const&) {
    complaint_ = std::current_exception();
    return false;
  }
  auto const r = read_some(results_fd_.get(), room);
  reader_.commit(r.bytes);
  return r.bytes > 0;
}

void local_worker::try_bury() {
  if (buried_ || reading_ || !has_ended()) return;  // the end of the read, or the pidfd, is still to come
  buried_ = true;
  try {
    if (!complaint_) {
      take_frames();
      while (read_what_is_left()) take_frames();
      results_copy copy;
      if (copy)
        take_leftovers(slot_.copy_results(copy.bytes()));
      else
        complaint_ = std::make_exception_ptr(std::bad_alloc());
    }
  } catch (protocol_error const&) {
    complaint_ = std::current_exception();
  }
  worker_end end = end_of_it();
  events_.on_end(*this, std::move(end));
}

worker_end local_worker::end_of_it() {
  try {
    if (!teardown_error_) hear_last();
  } catch (std::bad_alloc const&) {
    // What its teardown has thrown stays unknown.
  }
  worker_end end{.at_task = begun() > 0,
                 .place = slot_.place.load(std::memory_order_relaxed),
                 .another_was_meant = another_was_meant(),
                 .at_fault = from_->alive(),
                 .overstayed = overstayed_,
                 .complaint = complaint_,
                 .setup_error = setup_error_,
                 .teardown_error = teardown_error_};
  // One whose nursery is gone, or that was killed because of a task, had no way to leave as it should.
  bool const had_to_leave = next_result_ > 0 && !was_killed() && !end.at_task &&
                            (options().teardown || (retired_ && from_->alive()));
  end.left_badly = had_to_leave && !(process_->status() && process_->status()->success());
  release_belongings();
  try {
    end.certificate = process_->certificate();
    add_crash(end.certificate, slot_.crash);
  } catch (std::bad_alloc const&) {
    end.has_certificate = false;
  }
  if (auto const why = reason())
    end.certificate.cause = *why;
  else if (end.certificate.status.signal() == SIGKILL && !was_killed() && source_.oom_.has_risen())
    end.certificate.cause = death_cause::out_of_memory;
  return end;
}

std::optional<worker_end> local_worker::wait_until(std::optional<time_point> until) {
  if (process_->foreign()) return worker_end{};
  if (!process_->wait_until(until)) return std::nullopt;
  buried_ = true;
  return end_of_it();
}

// What is looked at every now and then.

void local_worker::look_after(time_point now, std::chrono::nanoseconds absence) {
  seen_at_ += absence, stalled_at_ += absence;  // the worker may have waited for us
  if (holds_results_) seen_at_ = stalled_at_ = now;
  if (options().memory_limit || options().limits.recycle_after_memory) watch_memory();
  kill_if_due(now);
  if (!makes_sense()) return;
  if (options().task_timeout.count() > 0) end_if_stalled(now);
  if (running_for(now) >= ticker::period && !holds_results_) collect_early();
}

/// A worker that is stopped while it has no task cannot overrun the time of one: it is let go, and nobody is to blame. One
/// that has begun nothing as yet may be in its setup, for as long as that takes, or wait for a processor.
void local_worker::end_if_stalled(time_point now) {
  bool const is_new = slot_.claimed() == 0;
  if (is_new && options().setup) return;
  auto const patience = std::max(options().task_timeout, is_new ? stalled_when_new : stalled);
  if (stalled_for(now) >= patience) process_->kill(SIGKILL);
}

void local_worker::watch_memory() {
  std::size_t const noted = slot_.baseline.load(std::memory_order_acquire);
  auto const use = noted ? memory_use_of(pid_) : std::nullopt;
  if (!use) return;
  if (baseline_ == 0) baseline_ = std::min(noted, use->resident);
  if (use->resident <= baseline_) return;
  std::size_t const more = use->resident - baseline_, most = options().limits.recycle_after_memory, at = begun();
  if (options().memory_limit && more > options().memory_limit && at > 0)
    kill_for(at - 1, death_cause::memory_limit, std::chrono::nanoseconds(0));
  else if (most && more > most && !std::exchange(worn_out_, true))
    events_.on_worn_out(*this);
}

/// Tasks that are over before the next look leave memory behind too.
void local_worker::watch_memory_after_tasks() {
  auto const now = std::chrono::steady_clock::now();
  if (now - memory_seen_at_ < least_between_looks) return;
  memory_seen_at_ = now;
  watch_memory();
}

}  // namespace procx::inline v1::detail
