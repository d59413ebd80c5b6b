#pragma once

#include "dispatch/tasks/ring_queue.hpp"
#include "dispatch/tasks/task_run.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace procx::inline v1::detail {

/// Tasks in a queue, those that follow each other as one run.
class run_queue {
 public:
  /// How many tasks.
  std::size_t tasks() const noexcept { return tasks_; }
  task_run const* front() const noexcept { return tasks_ ? &runs_.front() : nullptr; }

  void push_back(task_run const& run) {
    if (tasks_ == 0 || !runs_.back().append(run)) runs_.push_back(run);
    tasks_ += run.count;
  }
  void push_front(task_run run) {
    tasks_ += run.count;
    if (!runs_.empty() && run.append(runs_.front()))
      runs_.front() = run;
    else
      runs_.push_front(run);
  }
  /// At most so many of the first run.
  task_run take_front(std::uint32_t n) noexcept {
    task_run& first = runs_.front();
    tasks_ -= n;
    if (n < first.count) return first.take_front(n);
    task_run const all = first;
    runs_.pop_front();
    return all;
  }
  /// All of the last run, but at most `most`.
  task_run take_back(std::size_t most) noexcept {
    task_run& last = runs_.back();
    if (most < last.count) {
      tasks_ -= most;
      return last.take_back(static_cast<std::uint32_t>(most));
    }
    task_run const all = last;
    tasks_ -= all.count;
    runs_.pop_back();
    return all;
  }

  /// How many tasks are before the one with this number; none if it is not here.
  std::optional<std::size_t> find(std::uint32_t lane, std::uint64_t task) const noexcept {
    std::size_t before = 0;
    for (std::size_t i = 0; i < runs_.size(); before += runs_[i++].count)
      if (runs_[i].holds(lane, task)) return before + (task - runs_[i].id);
    return std::nullopt;
  }
  /// Takes it out; none if it is not here.
  std::optional<task_run> remove(std::uint32_t lane, std::uint64_t task) {
    std::size_t i = 0;
    while (i < runs_.size() && !runs_[i].holds(lane, task)) ++i;
    if (i == runs_.size()) return std::nullopt;
    --tasks_;
    task_run behind = runs_[i];
    task_run const before = behind.take_front(static_cast<std::uint32_t>(task - behind.id));
    task_run const removed = behind.take_front(1);
    if (before.count && behind.count) {
      runs_[i] = before;
      runs_.insert(i + 1, behind);
    } else if (before.count || behind.count) {
      runs_[i] = before.count ? before : behind;
    } else {
      runs_.erase(i);
    }
    return removed;
  }

 private:
  ring_queue<task_run> runs_;
  std::size_t tasks_ = 0;
};

}  // namespace procx::inline v1::detail
