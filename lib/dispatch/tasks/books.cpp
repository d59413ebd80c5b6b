#include "dispatch/tasks/books.hpp"

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr double weight = 0.25;  // of the newest measurement in the average

}  // namespace

task_run books::drop_front() {
  task_run const dropped = pending_.take_front(pending_.front()->count);
  pending_bytes_ -= dropped.weights();
  return dropped;
}

std::optional<task_run> books::withdraw(std::uint64_t task) {
  auto const withdrawn = pending_.remove(task);
  if (withdrawn) pending_bytes_ -= withdrawn->weight;
  return withdrawn;
}

void books::add_worker(worker_id worker) {
  make_room_for(worker);
  workers_[worker] = {};
  workers_[worker].alive = true;
  workers_[worker].credit = first_credit();
  ++alive_;
}

/// How many of the run this worker may have, at most `most`.
std::size_t books::fitting(worker_book const& w, task_run const& run, std::size_t most) const noexcept {
  most = std::min<std::size_t>(most, run.count);
  std::size_t const unweighed = least() - std::min<std::size_t>(least(), w.tasks.tasks());
  std::size_t const before = w.bytes + std::min(unweighed, most) * run.weight;
  if (before > settings_.bytes) return std::min(most, unweighed);
  return run.weight == 0 ? most : std::min(most, unweighed + (settings_.bytes - before) / run.weight);
}

/// The first `count` of the first run in the queue go to the worker.
task_run books::move_front(worker_id worker, std::size_t count) {
  task_run const moved = pending_.take_front(static_cast<std::uint32_t>(count));
  worker_book& w = workers_[worker];
  w.tasks.push_back(moved);
  w.bytes += moved.weights();
  pending_bytes_ -= moved.weights();
  in_flight_ += count;
  return moved;
}

void books::measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy, std::size_t result_bytes) {
  if (count == 0) return;
  worker_book& w = workers_[worker];
  double const each = std::max(1.0, static_cast<double>(busy.count()) / static_cast<double>(count));
  w.average_ns = w.average_ns == 0 ? each : w.average_ns + weight * (each - w.average_ns);
  double const each_result = static_cast<double>(result_bytes) / static_cast<double>(count);
  w.average_result = std::max(each_result, w.average_result + weight * (each_result - w.average_result));
  if (settings_.window) return;
  double fits = static_cast<double>(settings_.work_ahead.count()) / w.average_ns;
  if (w.average_result > 0) fits = std::min(fits, static_cast<double>(settings_.bytes) / w.average_result);
  w.credit = static_cast<std::uint32_t>(std::clamp<double>(fits, settings_.least, settings_.most));
}

std::chrono::nanoseconds books::unbegun_work(worker_id worker, std::size_t begun) const noexcept {
  worker_book const& w = workers_[worker];
  std::size_t const unbegun = w.tasks.tasks() - std::min(begun, w.tasks.tasks());
  constexpr double most = 9e18;  // a worker may claim anything
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(w.average_ns * static_cast<double>(unbegun), most)));
}

bool books::may_try_again(task_run& task, failure how) const noexcept {
  std::uint32_t& count = how == failure::death ? task.deaths : task.exceptions;
  return ++count <= settings_.retries;
}

std::optional<task_run> books::died(worker_id worker, bool was_running) {
  worker_book& w = workers_[worker];
  std::optional<task_run> blamed;
  if (was_running && w.tasks.tasks() > 0) blamed = finished(worker);
  recalled(worker, 0);
  w = {};
  --alive_;
  return blamed;
}

std::size_t books::recalled(worker_id worker, std::size_t kept) {
  worker_book& w = workers_[worker];
  std::size_t const before = w.tasks.tasks();
  while (w.tasks.tasks() > kept) {
    task_run const back = w.tasks.take_back(w.tasks.tasks() - kept);
    w.bytes -= back.weights();
    in_flight_ -= back.count;
    put_back(back);
  }
  return before - w.tasks.tasks();
}

}  // namespace procx::inline v1::detail
