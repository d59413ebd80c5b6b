#pragma once

#include "dispatch/tasks/run_queue.hpp"
#include "dispatch/tasks/task_run.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace procx::inline v1::detail {

/// The dispatcher's books: which task goes to which worker, and what a result, a death, a recall or a cancellation means
/// for them. Pure logic: no processes, no descriptors, no clock.
///
/// A worker runs its tasks in the order it was given them, and has credit for as many as fill `work_ahead`, judged by a
/// moving average of what a task takes. So a worker never waits for the parent between two tasks, and no more stands
/// behind a slow task than must.
///
/// Tasks that follow each other are one entry, a `task_run`, for as long as the same happens to them.
class books {
 public:
  using worker_id = std::uint32_t;

  struct settings {
    std::uint32_t window = 0;  ///< tasks in flight on one worker; 0: by the time they take
    std::uint32_t least = 2;
    std::uint32_t most = 4096;
    std::size_t bytes = std::size_t{1} << 20;  ///< of arguments, and of results, beyond the first `least` tasks of a worker
    std::chrono::nanoseconds work_ahead = std::chrono::milliseconds(4);
    std::uint32_t retries = 0;  ///< of one task, for each way of failing
  };

  explicit books(settings const& s) : settings_(s) {}

  /// New tasks at the end of the queue.
  void add(task_run const& run) {
    pending_.push_back(run);
    pending_bytes_ += run.weights();
  }
  std::size_t pending() const noexcept { return pending_.tasks(); }
  std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  /// Whether so much waits that more would only take up memory.
  bool has_plenty() const noexcept { return pending_bytes_ >= settings_.bytes; }
  /// After how many more tasks of such a weight.
  std::size_t short_by(std::size_t weight) const noexcept {
    return has_plenty() ? 0 : (settings_.bytes - pending_bytes_ + weight - 1) / weight;
  }
  /// The first tasks of the queue; null if it is empty.
  task_run const* front() const noexcept { return pending_.front(); }
  /// Takes those out of the queue: they will not be run.
  task_run drop_front();
  /// Takes the task with this number out of the queue; none if it is not there. Cost: linear in the queue.
  std::optional<task_run> withdraw(std::uint64_t task);

  /// So that `add_worker` needs no memory.
  void make_room_for(worker_id worker) {
    if (worker >= workers_.size()) workers_.resize(worker + 1);
  }
  void add_worker(worker_id worker);
  std::size_t workers() const noexcept { return alive_; }
  std::size_t in_flight() const noexcept { return in_flight_; }
  std::size_t in_flight(worker_id worker) const noexcept { return workers_[worker].tasks.tasks(); }
  /// The oldest tasks of the worker, the first of which runs; null if it has none.
  task_run const* oldest(worker_id worker) const noexcept { return workers_[worker].tasks.front(); }
  /// How many tasks the worker has to do before this one; none if it does not have it. Cost: linear in its tasks.
  std::optional<std::size_t> place(worker_id worker, std::uint64_t task) const { return workers_[worker].tasks.find(task); }
  std::uint32_t credit(worker_id worker) const noexcept { return workers_[worker].credit; }
  std::uint32_t first_credit() const noexcept { return settings_.window ? settings_.window : settings_.least; }

  /// How many tasks this worker should be given now, if that many are there; 0 while it has more than half its credit.
  std::size_t appetite(worker_id worker) const noexcept {
    worker_book const& w = workers_[worker];
    // Half the credit at a time: one write for many tasks, while the other half keeps the worker busy.
    if (!w.alive || w.tasks.tasks() > w.credit / 2) return 0;
    return w.credit - w.tasks.tasks();
  }
  /// Takes up to `count` tasks from the head of the queue for this worker, as long as `may(run)` and their bytes are not
  /// too many for now; tells them by `given(run)`. How many.
  template <class May, class Given>
  std::size_t assign(worker_id worker, std::size_t count, May may, Given given) {
    std::size_t n = 0;
    while (n < count && pending() > 0 && may(*pending_.front())) {
      std::size_t const fit = fitting(workers_[worker], *pending_.front(), count - n);
      if (fit == 0) break;
      given(move_front(worker, fit));
      n += fit;
    }
    return n;
  }

  /// The worker has given the results of its `count` oldest tasks, which are in one run.
  task_run finished(worker_id worker, std::uint32_t count = 1) noexcept {
    worker_book& w = workers_[worker];
    task_run const done = w.tasks.take_front(count);
    w.bytes -= done.weights();
    in_flight_ -= count;
    return done;
  }
  /// The worker has spent so much time on its last `count` tasks, and their results were so large.
  void measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy, std::size_t result_bytes = 0);
  /// What the tasks that the worker has not begun are likely to take, if it has begun `begun` of those it has; 0 if
  /// nobody knows.
  std::chrono::nanoseconds unbegun_work(worker_id worker, std::size_t begun) const noexcept;

  enum class failure { exception, death };
  /// Whether the task is to be tried again, after one more failure of this kind, which it notes; if so, it is for
  /// `put_back`, now or later.
  bool may_try_again(task_run& task, failure how) const noexcept;
  /// How often the task has been tried, the time that is under way included.
  static unsigned attempt(task_run const& task) noexcept { return task.exceptions + task.deaths + 1; }
  /// The worker is gone. If it was running a task, that one is returned, over or not; the others head the queue in
  /// their old order, and nothing is held against them.
  std::optional<task_run> died(worker_id worker, bool was_running);
  /// Puts tasks that are in no place at the head of the queue.
  void put_back(task_run const& run) {
    pending_.push_front(run);
    pending_bytes_ += run.weights();
  }
  /// The worker has given back all but the first `kept` of its tasks: they head the queue in their old order. How many.
  std::size_t recalled(worker_id worker, std::size_t kept);

 private:
  struct worker_book {
    bool alive = false;
    run_queue tasks;
    std::size_t bytes = 0;
    std::uint32_t credit = 0;
    double average_ns = 0;  // 0: nothing measured
    double average_result = 0;
  };

  /// So many tasks a worker may have whatever their size: one that runs, and one that is on its way meanwhile.
  std::uint32_t least() const noexcept {
    return settings_.window && settings_.window < settings_.least ? settings_.window : settings_.least;
  }
  std::size_t fitting(worker_book const& w, task_run const& run, std::size_t most) const noexcept;
  task_run move_front(worker_id worker, std::size_t count);

  settings settings_;
  run_queue pending_;
  std::size_t pending_bytes_ = 0;
  std::vector<worker_book> workers_;
  std::size_t alive_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace procx::inline v1::detail
