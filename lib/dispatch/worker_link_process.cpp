#include "dispatch/dispatcher.hpp"
#include "dispatch/results_copy.hpp"
#include "dispatch/worker_link.hpp"
#include "dispatch/worker_results.hpp"

#include <procx/error/exceptions.hpp>

#include <new>
#include <span>
#include <utility>

// The other half of a link: the process itself, what it prints, and its end.

namespace procx::inline v1::detail {

using stream = boost::asio::posix::stream_descriptor;

/// What the worker prints goes to the log, with the task that printed it: the worker marks where a new one begins.
void worker_link::forward_output() {
  process_->errors().redirect(
      owner_.mark_,
      [this](std::string_view line) {
        bool const known = printing_task_ && !printing_.empty();
        owner_.log(*this, known ? std::optional(printing_.front()) : std::nullopt, line);
      },
      [this](std::uint64_t number) {
        printing_task_ = number != output_mark::nothing;
        if (!printing_task_) return;
        for (; first_printing_ < number && !printing_.empty(); ++first_printing_) printing_.pop_front();
      });
}

/// What a task has printed is in the log before its result is anywhere.
void worker_link::hear_first() {
  if (!owner_.settings_.log) return;
  std::uint64_t const done = slot_.done.load(std::memory_order_acquire);
  process_->errors().drain();
  if (first_printing_ < done) process_->errors().finish_lines();  // that task prints no more
}

void worker_link::watch(stream& what, bool& armed, void (worker_link::*then)()) {
  if (!what.is_open() || resting_ || std::exchange(armed, true)) return;
  what.async_wait(stream::wait_read,
                  [this, &what, &armed, then, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                    if (alive.expired() || owner_.loop_.foreign()) return;
                    armed = false;
                    owner_.guarded([&] {
                      if (error) return watch(what, armed, then);  // rested meanwhile
                      (this->*then)();
                    });
                  });
}

void worker_link::watch_process() { watch(pidfd_, process_watched_, &worker_link::on_pidfd); }
void worker_link::watch_stderr() { watch(errors_, stderr_watched_, &worker_link::on_stderr); }

void worker_link::on_pidfd() {
  // Asio may report for a new descriptor what it has just seen of an old one.
  if (process_->try_wait())
    on_end();
  else
    watch_process();
}

void worker_link::on_stderr() {
  process_->errors().drain();
  if (process_->errors().fd() < 0)
    errors_.release();
  else
    watch_stderr();
}

void worker_link::hear_last() {
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
void worker_link::on_end() {
  if (!ended_) {
    ended_ = true;
    results_.cancel();
  }
  try_bury();
}

/// Some of it; false if there is no more, or no memory for it.
bool worker_link::read_what_is_left() {
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

void worker_link::try_bury() {
  if (buried_ || reading_ || !process_->try_wait()) return;  // the end of the read, or the pidfd, is still to come
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
  owner_.on_death(*this);
}

}  // namespace procx::inline v1::detail
