#pragma once

#include "dispatch/books.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace procx::inline v1::detail {

/// Tasks that wait before they are tried again. Few, so a plain list.
class delayed_tasks {
 public:
  using clock = std::chrono::steady_clock;

  void add(books::task_id task, clock::time_point due) { tasks_.push_back({task, due}); }
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
  /// False if it is not here.
  bool remove(books::task_id task) {
    return std::erase_if(tasks_, [task](waiting const& w) { return w.task == task; }) > 0;
  }

 private:
  struct waiting {
    books::task_id task;
    clock::time_point due;
  };
  std::vector<waiting> tasks_;
};

/// How long to wait before the next attempt, after this many failures: twice as long each time, up to 64 times.
inline std::chrono::nanoseconds backoff_after(unsigned failures, std::chrono::nanoseconds first) noexcept {
  return first * (1 << std::min(std::max(failures, 1u) - 1, 6u));
}

}  // namespace procx::inline v1::detail
