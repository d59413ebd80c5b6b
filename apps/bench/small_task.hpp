#pragma once

#include "measure.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

struct task_argument {
  std::uint64_t number;
  std::uint64_t factor;
};
struct task_result {
  std::uint64_t number;
  std::uint64_t product;
};

inline task_result do_task(task_argument const& a) { return {a.number, a.number * a.factor}; }
inline task_argument task_number(std::uint64_t n) { return {n, n % 7 + 1}; }

/// What the results of all tasks come to; in their order, if that is kept.
class task_sum {
 public:
  void add(task_result const& r) {
    sum_ += r.product;
    in_order_ = in_order_ && r.number == count_;
    ++count_;
  }
  /// Throws if it is not what `count` tasks give.
  void check_all(std::size_t count, bool ordered) const {
    std::uint64_t expected = 0;
    for (std::uint64_t n = 0; n < count; ++n) expected += do_task(task_number(n)).product;
    check(count_ == count && sum_ == expected && (in_order_ || !ordered));
  }

 private:
  std::uint64_t sum_ = 0;
  std::uint64_t count_ = 0;
  bool in_order_ = true;
};

/// Gives the results of tasks that end in any order in the order of the tasks. A peer that keeps order needs this.
class results_in_order {
 public:
  /// Whether the task may be under way by now: one worker may be ahead of the others, but not endlessly.
  bool has_room(std::uint64_t number) const noexcept { return number - taken_ < places_.size(); }
  void put(std::uint64_t number, task_result const& r) { places_[number % places_.size()] = {true, r}; }
  /// Takes those whose turn it is.
  void take() {
    for (place* p; p = &places_[taken_ % places_.size()], p->filled; ++taken_) {
      sum_.add(p->result);
      p->filled = false;
    }
  }
  std::uint64_t taken() const noexcept { return taken_; }
  task_sum const& sum() const noexcept { return sum_; }

 private:
  struct place {
    bool filled = false;
    task_result result{};
  };
  std::vector<place> places_ = std::vector<place>(8192);
  std::uint64_t taken_ = 0;
  task_sum sum_;
};

/// The peer by hand: two forked workers, frames of 24 bytes over pipes, one epoll loop, so many tasks in flight on each
/// worker, written together; results in order. ns per task.
measured raw_tasks(std::size_t count, std::size_t window);

/// The same without pipes: rings in shared memory, and a futex for who sleeps. ns per task.
measured ring_tasks(std::size_t count, std::size_t window);

/// oneTBB: two threads, every task handed out alone (parallel_for, simple_partitioner, grain 1), results in order
/// because each has its place. A task spins for `each`. ns per task.
measured tbb_tasks(std::size_t count, std::chrono::nanoseconds each = {});

/// oneTBB: two threads, five filters of parallel_pipeline: numbers, the three stages, results in order; 128 tokens. ns per item.
measured tbb_pipeline(std::size_t count);

/// ZeroMQ: two forked workers, one message a task, by PUSH and PULL over ipc; so many tasks in flight for each worker,
/// results in order. ns per task, without the start of the workers.
measured zmq_tasks(std::size_t count, std::size_t window);

}  // namespace bench
