#pragma once

#include "dispatch/ring_queue.hpp"

#include <algorithm>
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
class books {
 public:
  using task_id = std::uint32_t;
  using worker_id = std::uint32_t;

  struct settings {
    std::uint32_t window = 0;  ///< tasks in flight on one worker; 0: by the time they take
    std::uint32_t least = 2;
    std::uint32_t most = 1024;
    std::size_t bytes = std::size_t{1} << 20;  ///< of arguments, and of results, beyond the first `least` tasks of a worker
    std::chrono::nanoseconds work_ahead = std::chrono::milliseconds(4);
    std::uint32_t retries = 0;  ///< of one task, for each way of failing
  };

  explicit books(settings const& s) : settings_(s) {}

  /// A new task at the end of the queue; the id is the caller's, used again only after it is over.
  void add(task_id task, std::size_t bytes) {
    if (task >= tasks_.size()) tasks_.resize(task + 1);
    task_book& t = tasks_[task] = {};
    t.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, ~std::uint32_t{0}));  // so much goes alone anyway
    pending_.push_back(task);
    pending_bytes_ += t.bytes;
  }
  std::size_t pending() const noexcept { return pending_.size(); }
  std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  /// Whether so much waits that more would only take up memory.
  bool has_plenty() const noexcept { return pending_bytes_ >= settings_.bytes; }
  std::optional<task_id> front() const noexcept {
    if (pending_.empty()) return std::nullopt;
    return pending_.front();
  }
  /// Takes the first task out of the queue: it will not be run.
  task_id drop_front();
  /// Takes this one out of the queue; false if it is not there. Cost: linear in the queue.
  bool withdraw(task_id task);

  void add_worker(worker_id worker);
  std::size_t workers() const noexcept { return alive_; }
  std::size_t in_flight() const noexcept { return in_flight_; }
  std::size_t in_flight(worker_id worker) const noexcept { return workers_[worker].tasks.size(); }
  std::optional<task_id> running(worker_id worker) const;
  /// How many tasks the worker has to do before this one; none if it does not have it. Cost: linear in its tasks.
  std::optional<std::size_t> place(worker_id worker, task_id task) const;
  std::uint32_t credit(worker_id worker) const noexcept { return workers_[worker].credit; }
  std::uint32_t first_credit() const noexcept { return settings_.window ? settings_.window : settings_.least; }

  /// How many tasks this worker should be given now, if that many are there; 0 while it has more than half its credit.
  std::size_t appetite(worker_id worker) const noexcept {
    worker_book const& w = workers_[worker];
    // Half the credit at a time: one write for many tasks, while the other half keeps the worker busy.
    if (!w.alive || w.tasks.size() > w.credit / 2) return 0;
    return w.credit - w.tasks.size();
  }
  /// Takes the first task of the queue for this worker; none if the queue is empty or its bytes are too many for now.
  std::optional<task_id> assign(worker_id worker) {
    std::optional<task_id> assigned;
    assign(worker, 1, [](task_id) { return true; }, [&](task_id t) { assigned = t; });
    return assigned;
  }
  /// The same up to `count` times, as long as `may(task)`; tells each by `given(task)`. How many.
  template <class May, class Given>
  std::size_t assign(worker_id worker, std::size_t count, May may, Given given) {
    worker_book& w = workers_[worker];
    std::size_t const before = w.tasks.size();
    std::size_t worker_bytes = w.bytes, n = 0;
    for (count = std::min(count, pending_.size()); n < count; ++n) {
      task_id const task = pending_.front();
      std::size_t const bytes = tasks_[task].bytes;
      if ((before + n >= least() && worker_bytes + bytes > settings_.bytes) || !may(task)) break;
      pending_.pop_front();
      w.tasks.push_back(task);
      worker_bytes += bytes;
      given(task);
    }
    pending_bytes_ -= worker_bytes - w.bytes;
    w.bytes = worker_bytes;
    in_flight_ += n;
    return n;
  }

  /// The worker has given the result of its oldest task.
  task_id finished(worker_id worker) noexcept {
    worker_book& w = workers_[worker];
    task_id const task = w.tasks.front();
    w.tasks.pop_front();
    w.bytes -= tasks_[task].bytes;
    --in_flight_;
    return task;
  }
  /// The worker has spent so much time on its last `count` tasks, and their results were so large.
  void measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy, std::size_t result_bytes = 0);
  /// What the tasks that the worker has not begun are likely to take, if it has begun `begun` of those it has; 0 if
  /// nobody knows.
  std::chrono::nanoseconds unbegun_work(worker_id worker, std::size_t begun) const noexcept;

  enum class failure { exception, death };
  /// Whether the task is to be tried again, after one more failure of this kind; if so it heads the queue.
  bool try_again(task_id task, failure how);
  /// The same, but the task is left out of the queue: `put_back` is for later.
  bool may_try_again(task_id task, failure how);
  /// How often the task has been tried, the time that is under way included.
  unsigned attempt(task_id task) const noexcept { return tasks_[task].exceptions + tasks_[task].deaths + 1; }
  /// The worker is gone. If it was running a task, that one is returned, over or not; the others head the queue in
  /// their old order, and nothing is held against them.
  std::optional<task_id> died(worker_id worker, bool was_running);
  /// Puts a task that was returned by `died` at the head of the queue, and nothing is held against it either.
  void put_back(task_id task) {
    pending_.push_front(task);
    pending_bytes_ += tasks_[task].bytes;
  }
  /// The worker has given back all but the first `kept` of its tasks: they head the queue in their old order. How many.
  std::size_t recalled(worker_id worker, std::size_t kept);

 private:
  struct worker_book {
    bool alive = false;
    ring_queue<task_id> tasks;
    std::size_t bytes = 0;
    std::uint32_t credit = 0;
    double average_ns = 0;  // 0: nothing measured
    double average_result = 0;
  };
  struct task_book {
    std::uint32_t bytes = 0;
    std::uint32_t exceptions = 0;
    std::uint32_t deaths = 0;
  };

  /// So many tasks a worker may have whatever their size: one that runs, and one that is on its way meanwhile.
  std::uint32_t least() const noexcept { return settings_.window && settings_.window < settings_.least ? settings_.window : settings_.least; }

  settings settings_;
  ring_queue<task_id> pending_;
  std::size_t pending_bytes_ = 0;
  std::vector<task_book> tasks_;
  std::vector<worker_book> workers_;
  std::size_t alive_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace procx::inline v1::detail
