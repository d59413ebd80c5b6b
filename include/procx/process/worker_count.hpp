#pragma once

#include <concepts>
#include <cstddef>

namespace procx::inline v1 {

/// How many processors this process may use: the least of its CPU affinity and its cgroup's CPU quota (rounded up), at
/// least 1. Cost: reads some small files of the system.
std::size_t available_cores();

/// Instead of a number of workers: tasks run in this process, one after the other, where their results are taken in. Nothing
/// is forked, and a debugger sees all; a task that crashes ends the program, and no limit of time or memory holds.
struct here_type {};
inline constexpr here_type here{};

/// How many workers are wanted: `n` of them, 0 for one a core, −n for all cores but n (at least 1), a fraction in
/// (0, 1] of the cores, rounded up, or `px::here`.
class worker_count {
 public:
  constexpr worker_count() noexcept = default;
  constexpr worker_count(here_type) noexcept : count_(1), is_here_(true) {}
  template <std::integral T>
  constexpr worker_count(T count) noexcept : count_(static_cast<long>(count)) {}
  template <std::floating_point T>
  constexpr worker_count(T fraction) noexcept : fraction_(static_cast<double>(fraction)), is_fraction_(true) {}

  /// The number meant, for this process now. Throws std::invalid_argument for a fraction that is not in (0, 1].
  std::size_t resolve() const;
  constexpr bool is_here() const noexcept { return is_here_; }
  /// The number meant on so many cores.
  std::size_t resolve(std::size_t cores) const;

 private:
  long count_ = 0;
  double fraction_ = 0;
  bool is_fraction_ = false;
  bool is_here_ = false;
};

}  // namespace procx::inline v1
