#include "dispatch/books.hpp"

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr double weight = 0.25;  // of the newest measurement in the average

template <class Queue>
std::optional<std::size_t> find(Queue const& queue, books::task_id task) {
  for (std::size_t i = 0; i < queue.size(); ++i)
    if (queue[i] == task) return i;
  return std::nullopt;
}

}  // namespace

books::task_id books::drop_front() {
  task_id const task = pending_.front();
  pending_.pop_front();
  pending_bytes_ -= tasks_[task].bytes;
  return task;
}

bool books::withdraw(task_id task) {
  auto const at = find(pending_, task);
  if (at) {
    pending_.erase(*at);
    pending_bytes_ -= tasks_[task].bytes;
  }
  return at.has_value();
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

std::optional<std::size_t> books::place(worker_id worker, task_id task) const {
  return find(workers_[worker].tasks, task);
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
  std::size_t const unbegun = w.tasks.size() - std::min(begun, w.tasks.size());
  return std::chrono::nanoseconds(static_cast<std::int64_t>(w.average_ns * static_cast<double>(unbegun)));
}

bool books::may_try_again(task_id task, failure how) {
  std::uint32_t& count = how == failure::death ? tasks_[task].deaths : tasks_[task].exceptions;
  return ++count <= settings_.retries;
}

bool books::try_again(task_id task, failure how) {
  bool const again = may_try_again(task, how);
  if (again) put_back(task);
  return again;
}

std::optional<books::task_id> books::died(worker_id worker, bool was_running) {
  worker_book& w = workers_[worker];
  std::optional<task_id> blamed;
  if (was_running && !w.tasks.empty()) blamed = finished(worker);
  recalled(worker, 0);
  w = {};
  --alive_;
  return blamed;
}

std::size_t books::recalled(worker_id worker, std::size_t kept) {
  worker_book& w = workers_[worker];
  std::size_t const before = w.tasks.size();
  while (w.tasks.size() > kept) {
    task_id const task = w.tasks.back();
    w.tasks.pop_back();
    w.bytes -= tasks_[task].bytes;
    put_back(task);
    --in_flight_;
  }
  return before - w.tasks.size();
}

}  // namespace procx::inline v1::detail
