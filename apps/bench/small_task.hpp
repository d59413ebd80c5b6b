#pragma once

#include "measure.hpp"

#include <cstddef>
#include <cstdint>

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

/// The peer by hand: two forked workers, frames of 24 bytes over pipes, one epoll loop, so many tasks in flight on each
/// worker, written together; results in order. ns per task.
measured raw_tasks(std::size_t count, std::size_t window);

}  // namespace bench
