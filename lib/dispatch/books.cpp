#include "dispatch/books.hpp"

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr double weight = 0.25;  // of the newest measurement in the average

}  // namespace

void books::add(task_id task, std::size_t bytes) {
  if (task >= tasks_.size()) tasks_.resize(task + 1);
  tasks_[task] = {bytes};
  pending_.push_back(task);
}

std::optional<books::task_id> books::front() const {
  if (pending_.empty()) return std::nullopt;
  return pending_.front();
}

books::task_id books::drop_front() {
  task_id const task = pending_.front();
  pending_.pop_front();
  return task;
}

void books::add_worker(worker_id worker) {
  if (worker >= workers_.size()) workers_.resize(worker + 1);
  workers_[worker] = {};
  workers_[worker].alive = true;
  workers_[worker].credit = first_credit();
  ++alive_;
}

std::optional<books::task_id> books::running(worker_id worker) const {
  auto const& tasks = workers_[worker].tasks;
  if (tasks.empty()) return std::nullopt;
  return tasks.front();
}

std::size_t books::appetite(worker_id worker) const {
  worker_book const& w = workers_[worker];
  // Half the credit at a time: one write for many tasks, while the other half keeps the worker busy.
  if (!w.alive || w.tasks.size() > w.credit / 2) return 0;
  return w.credit - w.tasks.size();
}

std::optional<books::task_id> books::assign(worker_id worker) {
  if (pending_.empty()) return std::nullopt;
  worker_book& w = workers_[worker];
  task_id const task = pending_.front();
  std::size_t const bytes = tasks_[task].bytes;
  if (!w.tasks.empty() && w.bytes + bytes > settings_.bytes) return std::nullopt;
  pending_.pop_front();
  w.tasks.push_back(task);
  w.bytes += bytes;
  ++in_flight_;
  return task;
}

books::task_id books::finished(worker_id worker) {
  worker_book& w = workers_[worker];
  task_id const task = w.tasks.front();
  w.tasks.pop_front();
  w.bytes -= tasks_[task].bytes;
  --in_flight_;
  return task;
}

void books::measured(worker_id worker, std::uint64_t count, std::chrono::nanoseconds busy) {
  if (count == 0 || settings_.window) return;
  worker_book& w = workers_[worker];
  double const each = std::max(1.0, static_cast<double>(busy.count()) / static_cast<double>(count));
  w.average_ns = w.average_ns == 0 ? each : w.average_ns + weight * (each - w.average_ns);
  double const fits = static_cast<double>(settings_.work_ahead.count()) / w.average_ns;
  w.credit = static_cast<std::uint32_t>(std::clamp<double>(fits, settings_.least, settings_.most));
}

bool books::try_again(task_id task, failure how) {
  std::uint32_t& count = how == failure::death ? tasks_[task].deaths : tasks_[task].exceptions;
  if (++count > settings_.retries) return false;
  pending_.push_front(task);
  return true;
}

std::optional<books::task_id> books::died(worker_id worker, bool was_running) {
  worker_book& w = workers_[worker];
  std::optional<task_id> blamed;
  if (was_running && !w.tasks.empty()) blamed = finished(worker);
  pending_.insert(pending_.begin(), w.tasks.begin(), w.tasks.end());
  in_flight_ -= w.tasks.size();
  w = {};
  --alive_;
  return blamed;
}

}  // namespace procx::inline v1::detail
