#include "dispatch/tasks/schedule.hpp"

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr double newest = 0.25;       // the weight of the newest measurement in an average
constexpr double turn_ns = 500'000;   // what a lane is given at once while others wait too
constexpr double guessed_ns = 1'000;  // what a task takes, as long as nothing was measured
constexpr std::size_t most_in_a_turn = 256;

double averaged(double average, double latest) noexcept {
  return average == 0 ? latest : average + newest * (latest - average);
}

}  // namespace

schedule::lane_id schedule::open_lane(double weight, bool serial) {
  free_lanes_.reserve(lanes_.size() + 1);  // `close_lane` must not throw
  waiting_.reserve(lanes_.size() + 1);
  if (free_lanes_.empty()) {
    lanes_.emplace_back();
    free_lanes_.push_back(static_cast<lane_id>(lanes_.size() - 1));
  }
  lane_id const lane = free_lanes_.back();
  free_lanes_.pop_back();
  lanes_[lane] = {};
  lanes_[lane].weight = weight;
  lanes_[lane].serial = serial;
  serial_lanes_ += serial;
  lanes_[lane].time = now_;
  lanes_[lane].state = lane_queue::state::open;
  ++open_lanes_;
  return lane;
}

void schedule::close_lane(lane_id lane) noexcept {
  lanes_[lane].state = lane_queue::state::closing;
  --open_lanes_;
  serial_lanes_ -= lanes_[lane].serial;
  free_if_done(lane);
}

void schedule::free_if_done(lane_id lane) noexcept {
  lane_queue& l = lanes_[lane];
  if (l.state != lane_queue::state::closing || l.on_workers + l.tasks.tasks() > 0) return;
  l.state = lane_queue::state::free;
  free_lanes_.push_back(lane);
}

task_run schedule::drop_front(lane_id lane) {
  lane_queue& l = lanes_[lane];
  task_run const dropped = l.tasks.take_front(l.tasks.front()->count);
  uncount_waiting(l, dropped);
  if (l.tasks.tasks() == 0) end_waiting(lane);
  free_if_done(lane);
  return dropped;
}

std::optional<task_run> schedule::withdraw(lane_id lane, std::uint64_t task) {
  lane_queue& l = lanes_[lane];
  auto const withdrawn = l.tasks.remove(lane, task);
  if (withdrawn) {
    uncount_waiting(l, *withdrawn);
    if (l.tasks.tasks() == 0) end_waiting(lane);
    free_if_done(lane);
  }
  return withdrawn;
}

/// Of several lanes in which tasks wait, the one that has had the least.
schedule::lane_id schedule::lane_behind() const noexcept {
  return *std::ranges::min_element(waiting_, {}, [this](lane_id lane) { return lanes_[lane].time; });
}

/// The same of those that this worker may serve; `no_lane` if there is none.
schedule::lane_id schedule::lane_behind_for(worker_id worker) const noexcept {
  lane_id best = no_lane;
  for (lane_id const lane : waiting_) {
    lane_queue const& l = lanes_[lane];
    bool const is_free = l.on_workers == 0 && !l.waits_for_one;
    bool const may = !l.serial || is_free || (l.owner == worker && !one_by_one());
    if (may && (best == no_lane || l.time < lanes_[best].time)) best = lane;
  }
  return best;
}

/// How many tasks of the lane go to one worker before the others' turn comes: all, if there are no others.
std::size_t schedule::turn_of(lane_id lane) const noexcept {
  if (lanes_[lane].serial && one_by_one()) return 1;
  if (waiting_.size() == 1) return ~std::size_t{0};
  double const each = lanes_[lane].average_ns;
  if (each == 0) return 1;
  return static_cast<std::size_t>(std::clamp<double>(turn_ns / each, 1, most_in_a_turn));
}

/// No lane saves up what it did not use while it had no tasks.
void schedule::begin_waiting(lane_id lane) {
  waiting_.push_back(lane);
  lanes_[lane].time = std::max(lanes_[lane].time, now_);
}

void schedule::end_waiting(lane_id lane) noexcept {
  *std::ranges::find(waiting_, lane) = waiting_.back();
  waiting_.pop_back();
}

double schedule::cost_of(lane_queue const& l, std::uint64_t tasks) noexcept {
  return static_cast<double>(tasks) * (l.average_ns == 0 ? guessed_ns : l.average_ns) / l.weight;
}

void schedule::forget_all() noexcept {
  for (lane_id lane = 0; lane < lanes_.size(); ++lane) {
    lane_queue& l = lanes_[lane];
    l.tasks = {};
    l.bytes = l.on_workers = 0;
    l.waits_for_one = false;
    free_if_done(lane);
  }
  waiting_.clear();
  workers_.clear();
  pending_ = in_flight_ = alive_ = 0;
}

void schedule::add_worker(worker_id worker) {
  make_room_for(worker);
  workers_[worker] = {};
  workers_[worker].alive = true;
  workers_[worker].credit = first_credit();
  ++alive_;
}

/// How many of the run this worker may have, at most `most`.
std::size_t schedule::fitting(worker_entry const& w, task_run const& run, std::size_t most) const noexcept {
  most = std::min<std::size_t>(most, run.count);
  std::size_t const unweighed = least() - std::min<std::size_t>(least(), w.tasks.tasks());
  std::size_t const before = w.bytes + std::min(unweighed, most) * run.weight;
  if (before > settings_.bytes) return std::min(most, unweighed);
  return run.weight == 0 ? most : std::min(most, unweighed + (settings_.bytes - before) / run.weight);
}

/// The first `count` of the first run in the lane go to the worker.
task_run schedule::move_front(lane_id lane, worker_id worker, std::size_t count) {
  lane_queue& l = lanes_[lane];
  task_run const moved = l.tasks.take_front(static_cast<std::uint32_t>(count));
  worker_entry& w = workers_[worker];
  w.tasks.push_back(moved);
  w.bytes += moved.weights();
  l.on_workers += count;
  l.owner = worker;
  in_flight_ += count;
  uncount_waiting(l, moved);
  now_ = l.time;
  l.time += cost_of(l, count);
  if (l.tasks.tasks() == 0) end_waiting(lane);
  return moved;
}

/// They are on no worker any more.
void schedule::leave_worker(task_run const& run) noexcept {
  lane_queue& l = lanes_[run.lane];
  in_flight_ -= run.count;
  l.on_workers -= run.count;
}

task_run schedule::finished(worker_id worker, std::uint32_t count) noexcept {
  worker_entry& w = workers_[worker];
  task_run const done = w.tasks.take_front(count);
  w.bytes -= done.weights();
  leave_worker(done);
  note_finished(w, done);
  free_if_done(done.lane);
  return done;
}

void schedule::note_finished(worker_entry& w, task_run const& run) noexcept {
  if (!w.finished.empty() && w.finished.back().lane == run.lane) {
    w.finished.back().count += run.count;
    return;
  }
  try {
    w.finished.push_back({run.lane, run.count});
  } catch (...) {
    // A measurement is lost.
  }
}

/// What the worker has spent on tasks of several lanes is shared out as their averages say, which come right by the turns that
/// are one lane's alone.
void schedule::share_out(worker_entry& w, double busy) noexcept {
  double expected = 0;
  for (auto const& [lane, count] : w.finished) expected += cost_of(lanes_[lane], count) * lanes_[lane].weight;
  for (auto const& [lane, count] : w.finished) {
    lane_queue& l = lanes_[lane];
    double const share = busy * cost_of(l, count) * l.weight / expected;
    l.average_ns = averaged(l.average_ns, std::max(1.0, share / static_cast<double>(count)));
  }
}

void schedule::measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy, std::size_t result_bytes) {
  if (count == 0) return;
  worker_entry& w = workers_[worker];
  double const each = std::max(1.0, static_cast<double>(busy.count()) / static_cast<double>(count));
  if (open_lanes_ > 1) share_out(w, static_cast<double>(busy.count()));
  w.finished.clear();
  w.average_ns = averaged(w.average_ns, each);
  double const each_result = static_cast<double>(result_bytes) / static_cast<double>(count);
  w.average_result = std::max(each_result, averaged(w.average_result, each_result));
  if (settings_.window) return;
  double fits = static_cast<double>(settings_.work_ahead.count()) / w.average_ns;
  if (w.average_result > 0) fits = std::min(fits, static_cast<double>(settings_.bytes) / w.average_result);
  w.credit = static_cast<std::uint32_t>(std::clamp<double>(fits, settings_.least, settings_.most));
}

std::chrono::nanoseconds schedule::unbegun_work(worker_id worker, std::size_t begun) const noexcept {
  worker_entry const& w = workers_[worker];
  std::size_t const unbegun = w.tasks.tasks() - std::min(begun, w.tasks.tasks());
  constexpr double most = 9e18;  // a worker may claim anything
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(w.average_ns * static_cast<double>(unbegun), most)));
}

bool schedule::may_try_again(task_run& task, failure how) noexcept {
  std::uint32_t& count = how == failure::death ? task.deaths : task.exceptions;
  if (++count > settings_.retries) return false;
  lanes_[task.lane].waits_for_one = true;
  return true;
}

std::optional<task_run> schedule::died(worker_id worker, bool was_running) {
  worker_entry& w = workers_[worker];
  std::optional<task_run> blamed;
  if (was_running && w.tasks.tasks() > 0) blamed = finished(worker);
  recalled(worker, 0);
  w = {};
  --alive_;
  return blamed;
}

std::size_t schedule::recalled(worker_id worker, std::size_t kept) {
  worker_entry& w = workers_[worker];
  std::size_t const before = w.tasks.tasks();
  while (w.tasks.tasks() > kept) {
    task_run const back = w.tasks.take_back(w.tasks.tasks() - kept);
    w.bytes -= back.weights();
    leave_worker(back);
    put_back(back);
    lane_queue& l = lanes_[back.lane];
    l.time -= cost_of(l, back.count);  // it did not get what it was charged for
  }
  return before - w.tasks.tasks();
}

}  // namespace procx::inline v1::detail
