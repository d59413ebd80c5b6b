#pragma once

#include <procx/detail/pool/ending_handler.hpp>
#include <procx/detail/pool/flow_counts.hpp>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Threads and handlers that wait for an end: of a queue, or of all tasks of a pool. One of them is told how a worker has ended
/// that has not left as it should. Thread-safe.
class end_watch {
 public:
  /// Under whose lock conditions are looked at.
  std::mutex& mutex() const noexcept { return mutex_; }

  /// Waits until the condition holds; false if time runs out.
  template <class Condition>
  bool wait(Condition holds, wait_deadline until) {
    std::unique_lock lock(mutex_);
    if (until != wait_forever) return changed_.wait_until(lock, until, holds);
    changed_.wait(lock, holds);
    return true;
  }
  /// Has the waiting threads look again, after something has changed that their conditions depend on.
  void tell_threads() noexcept {
    { std::lock_guard const lock(mutex_); }  // a thread that has looked before sleeps by now
    changed_.notify_all();
  }

  /// Keeps the handler unless the condition holds; whether it does.
  template <class Condition>
  bool keep_unless(Condition holds, ending_handler& then) {
    std::lock_guard const lock(mutex_);
    if (holds()) return false;
    handlers_.push_back(std::move(then));
    return true;
  }
  std::vector<ending_handler> take_handlers() noexcept {
    std::lock_guard const lock(mutex_);
    return std::exchange(handlers_, {});
  }
  bool has_handlers() const noexcept {
    std::lock_guard const lock(mutex_);
    return !handlers_.empty();
  }

  /// The first such news counts.
  void note_bad_ending(std::exception_ptr error) noexcept {
    std::lock_guard const lock(mutex_);
    if (!bad_ending_) bad_ending_ = std::move(error);
  }
  std::exception_ptr take_bad_ending() noexcept {
    std::lock_guard const lock(mutex_);
    return std::exchange(bad_ending_, nullptr);
  }
  /// Calls a handler with this error, if there is one, else with a bad ending. What it does not hear is for the next one.
  void tell(ending_handler const& then, std::exception_ptr error = nullptr) {
    if (!error) error = take_bad_ending();
    if (!then(error) && error) note_bad_ending(std::move(error));
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<ending_handler> handlers_;
  std::exception_ptr bad_ending_;
};

}  // namespace procx::inline v1::detail
