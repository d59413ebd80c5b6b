#pragma once

#include "dispatch/tasks/run_queue.hpp"
#include "dispatch/tasks/task_run.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace procx::inline v1::detail {

/// Which task goes to which worker, and what a result, a death, a recall or a cancellation means for it. Pure logic: no
/// processes, no descriptors, no clock.
///
/// Tasks wait in lanes, one for each owner, first in first out. Workers are served from the lanes by start-time fair queueing
/// (Goyal, Vin, Cheng 1996): a lane's virtual time advances by the time that its tasks take, divided by its weight, and the
/// lane that is furthest behind is next. A lane that has had nothing to do starts where the others are. So a lane with a
/// million tasks delays another's first task by no more than what is on the workers already.
///
/// A worker runs its tasks in the order it was given them, and has credit for as many as fill `work_ahead`, judged by a
/// moving average of what a task takes. So a worker never waits for the parent between two tasks, and no more stands
/// behind a slow task than must.
///
/// A serial lane's tasks run one after the other: those that are on workers are on one of them, which has them in their order. If
/// tasks are tried again, or a worker runs them side by side, one at a time is on a worker.
///
/// Tasks that follow each other are one entry, a `task_run`, for as long as the same happens to them. Cost: of the lanes with
/// tasks, linear for each run that is given away; everything else but `withdraw` and `place` constant for each run.
class schedule {
 public:
  using worker_id = std::uint32_t;
  using lane_id = std::uint32_t;

  struct settings {
    std::uint32_t window = 0;  ///< tasks in flight on one worker; 0: by the time they take
    std::uint32_t least = 2;
    std::uint32_t most = 4096;
    std::size_t bytes = std::size_t{1} << 20;  ///< of arguments, and of results, beyond the first `least` tasks of a worker
    std::chrono::nanoseconds work_ahead = std::chrono::milliseconds(4);
    std::uint32_t retries = 0;  ///< of one task, for each way of failing
    bool side_by_side = false;  ///< a worker runs the tasks that it has at once
  };

  explicit schedule(settings const& s) : settings_(s) {}

  /// A new lane. Its share of the workers' time, while others want some too, is as its weight, above 0.
  lane_id open_lane(double weight = 1, bool serial = false);
  /// The lane's number is used again once none of its tasks waits or is on a worker.
  void close_lane(lane_id lane) noexcept;
  std::size_t lanes() const noexcept { return open_lanes_; }

  /// New tasks at the end of their lane.
  void add(task_run const& run) {
    lane_queue& l = lanes_[run.lane];
    if (l.tasks.tasks() == 0) begin_waiting(run.lane);
    l.tasks.push_back(run);
    count_waiting(l, run);
  }
  /// Puts tasks that are in no place at the head of their lane.
  void put_back(task_run const& run) {
    lane_queue& l = lanes_[run.lane];
    if (l.tasks.tasks() == 0) begin_waiting(run.lane);
    l.tasks.push_front(run);
    l.waits_for_one = false;
    count_waiting(l, run);
  }
  /// Tasks that wait: of all lanes, or of one.
  std::size_t pending() const noexcept { return pending_; }
  std::size_t pending(lane_id lane) const noexcept { return lanes_[lane].tasks.tasks(); }
  std::size_t pending_bytes(lane_id lane) const noexcept { return lanes_[lane].bytes; }
  /// Whether so much waits in the lane that more would only take up memory.
  bool has_plenty(lane_id lane) const noexcept { return lanes_[lane].bytes >= settings_.bytes; }
  /// After how many more tasks of such a weight.
  std::size_t short_by(lane_id lane, std::size_t weight) const noexcept {
    return has_plenty(lane) ? 0 : (settings_.bytes - lanes_[lane].bytes + weight - 1) / weight;
  }
  /// The first tasks of the lane whose turn it is; null if none waits.
  task_run const* front() const noexcept { return pending_ ? lanes_[next_lane()].tasks.front() : nullptr; }
  /// Takes those out: they will not be run.
  task_run drop_front() { return drop_front(next_lane()); }
  /// The same of a lane in which tasks wait.
  task_run drop_front(lane_id lane);
  /// Takes the lane's task with this number out of it; none if it does not wait there. Cost: linear in the lane.
  std::optional<task_run> withdraw(lane_id lane, std::uint64_t task);
  /// No tasks, and no workers; the lanes stay.
  void forget_all() noexcept;

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
  std::optional<std::size_t> place(worker_id worker, lane_id lane, std::uint64_t task) const {
    return workers_[worker].tasks.find(lane, task);
  }
  std::uint32_t credit(worker_id worker) const noexcept { return workers_[worker].credit; }
  std::uint32_t first_credit() const noexcept { return settings_.window ? settings_.window : settings_.least; }

  /// How many tasks this worker should be given now, if that many are there; 0 while it has more than half its credit.
  std::size_t appetite(worker_id worker) const noexcept {
    worker_entry const& w = workers_[worker];
    // Half the credit at a time: one write for many tasks, while the other half keeps the worker busy.
    if (!w.alive || w.tasks.tasks() > w.credit / 2) return 0;
    return w.credit - w.tasks.tasks();
  }
  /// Takes up to `count` tasks for this worker from the heads of the lanes whose turn it is, as long as `may(run)` and their
  /// bytes are not too many for now; tells them by `given(run)`. How many.
  template <class May, class Given>
  std::size_t assign(worker_id worker, std::size_t count, May may, Given given) {
    std::size_t n = 0;
    while (n < count && pending_ > 0) {
      lane_id const lane = next_lane_for(worker);
      if (lane == no_lane) break;
      task_run const& first = *lanes_[lane].tasks.front();
      if (!may(first)) break;
      std::size_t const fit = fitting(workers_[worker], first, std::min(count - n, turn_of(lane)));
      if (fit == 0) break;
      given(move_front(lane, worker, fit));
      n += fit;
    }
    return n;
  }

  /// The worker has given the results of its `count` oldest tasks, which are in one run.
  task_run finished(worker_id worker, std::uint32_t count = 1) noexcept;
  /// The worker has spent so much time on its last `count` tasks, and their results were so large.
  void measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy, std::size_t result_bytes = 0);
  /// What the tasks that the worker has not begun are likely to take, if it has begun `begun` of those it has; 0 if
  /// nobody knows.
  std::chrono::nanoseconds unbegun_work(worker_id worker, std::size_t begun) const noexcept;

  enum class failure { exception, death };
  /// Whether the task is to be tried again, after one more failure of this kind, which it notes; if so, it is for
  /// `put_back`, now or later, or for `forget`. A serial lane waits until then.
  bool may_try_again(task_run& task, failure how) noexcept;
  /// The task is not tried again after all.
  void forget(task_run const& task) noexcept { lanes_[task.lane].waits_for_one = false; }
  /// How often the task has been tried, the time that is under way included.
  static unsigned attempt(task_run const& task) noexcept { return task.exceptions + task.deaths + 1; }
  /// The worker is gone. If it was running a task, that one is returned, over or not; the others head their lanes in
  /// their old order, and nothing is held against them.
  std::optional<task_run> died(worker_id worker, bool was_running);
  /// The worker has given back all but the first `kept` of its tasks: they head their lanes in their old order. How many.
  std::size_t recalled(worker_id worker, std::size_t kept);

 private:
  static constexpr lane_id no_lane = ~lane_id{0};

  struct lane_queue {
    run_queue tasks;
    std::size_t bytes = 0;
    std::size_t on_workers = 0;  // tasks
    worker_id owner = 0;         // of those, if the lane is serial
    bool serial = false;
    bool waits_for_one = false;  // that is to be tried again
    double weight = 1;
    double average_ns = 0;  // what a task takes; 0: nothing measured
    double time = 0;        // virtual, in nanoseconds: what its tasks took, by its weight
    enum class state : std::uint8_t { free, open, closing } state = state::free;
  };
  struct lane_share {
    lane_id lane;
    std::uint64_t count;
  };
  struct worker_entry {
    bool alive = false;
    run_queue tasks;
    std::size_t bytes = 0;
    std::uint32_t credit = 0;
    double average_ns = 0;  // 0: nothing measured
    double average_result = 0;
    std::vector<lane_share> finished;  // since the last measurement
  };

  /// So many tasks a worker may have whatever their size: one that runs, and one that is on its way meanwhile.
  std::uint32_t least() const noexcept {
    return settings_.window && settings_.window < settings_.least ? settings_.window : settings_.least;
  }
  void count_waiting(lane_queue& l, task_run const& run) noexcept {
    l.bytes += run.weights();
    pending_ += run.count;
  }
  void uncount_waiting(lane_queue& l, task_run const& run) noexcept {
    l.bytes -= run.weights();
    pending_ -= run.count;
  }
  lane_id next_lane() const noexcept { return waiting_.size() == 1 ? waiting_.front() : lane_behind(); }
  lane_id next_lane_for(worker_id worker) const noexcept {
    return serial_lanes_ == 0 ? next_lane() : lane_behind_for(worker);
  }
  lane_id lane_behind_for(worker_id worker) const noexcept;
  bool one_by_one() const noexcept { return settings_.retries > 0 || settings_.side_by_side; }
  lane_id lane_behind() const noexcept;
  std::size_t turn_of(lane_id lane) const noexcept;
  void begin_waiting(lane_id lane);
  void end_waiting(lane_id lane) noexcept;
  void free_if_done(lane_id lane) noexcept;
  static double cost_of(lane_queue const& l, std::uint64_t tasks) noexcept;
  void share_out(worker_entry& w, double busy) noexcept;
  void note_finished(worker_entry& w, task_run const& run) noexcept;
  void leave_worker(task_run const& run) noexcept;
  std::size_t fitting(worker_entry const& w, task_run const& run, std::size_t most) const noexcept;
  task_run move_front(lane_id lane, worker_id worker, std::size_t count);

  settings settings_;
  std::vector<lane_queue> lanes_;
  std::vector<lane_id> waiting_;  // lanes in which tasks wait
  std::vector<lane_id> free_lanes_;
  std::size_t open_lanes_ = 0;
  std::size_t serial_lanes_ = 0;
  std::size_t pending_ = 0;
  double now_ = 0;  // the virtual time of the lane that was served last
  std::vector<worker_entry> workers_;
  std::size_t alive_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace procx::inline v1::detail
