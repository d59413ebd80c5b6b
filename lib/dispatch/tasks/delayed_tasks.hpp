#pragma once

#include "dispatch/tasks/task_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace procx::inline v1::detail {

/// Tasks that wait before they are tried again. Few, so a plain list.
class delayed_tasks {
 public:
  using clock = std::chrono::steady_clock;

  void add(task_run const& task, clock::time_point due) { tasks_.push_back({task, due}); }
  bool empty() const noexcept { return tasks_.empty(); }
  std::size_t size() const noexcept { return tasks_.size(); }

  /// Calls `f` with each task whose time has come, in the order they came here, and forgets it.
  template <class F>
  void take_due(clock::time_point now, F f) {
    std::erase_if(tasks_, [&](waiting const& w) {
      if (w.due > now) return false;
      f(w.task);
      return true;
    });
  }
  /// Takes out all of a lane's tasks, by calling `f` with each.
  template <class F>
  void remove_all(std::uint32_t lane, F f) {
    std::erase_if(tasks_, [&](waiting const& w) {
      if (w.task.lane != lane) return false;
      f(w.task);
      return true;
    });
  }
  /// Takes out the task with this number; none if it is not here.
  std::optional<task_run> remove(std::uint32_t lane, std::uint64_t id) {
    auto const at = std::ranges::find_if(tasks_, [=](waiting const& w) { return w.task.holds(lane, id); });
    if (at == tasks_.end()) return std::nullopt;
    task_run const removed = at->task;
    tasks_.erase(at);
    return removed;
  }

 private:
  struct waiting {
    task_run task;
    clock::time_point due;
  };
  std::vector<waiting> tasks_;
};

/// How long to wait before the next attempt, after this many failures: twice as long each time, up to 64 times; for ever if
/// that cannot be counted.
inline std::chrono::nanoseconds backoff_after(unsigned failures, std::chrono::nanoseconds first) noexcept {
  auto const times = 1 << std::min(std::max(failures, 1u) - 1, 6u);
  return first > std::chrono::nanoseconds::max() / times ? std::chrono::nanoseconds::max() : first * times;
}

}  // namespace procx::inline v1::detail
