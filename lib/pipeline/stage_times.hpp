#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// How the time of a process is shared out among stages that run in it one behind the other, by a sample of the items: the first few,
/// and each 64th. Cost: of the items in the sample two readings of the clock for each stage, of the others nothing.
class stage_times {
 public:
  using clock = std::chrono::steady_clock;

  explicit stage_times(std::size_t stages) : spent_(stages) {}

  void begin_item() noexcept {
    if (spent_.size() < 2) return;
    ++items_;
    is_timed_ = items_ % every == 0 || (items_ < every && std::has_single_bit(items_));
    if (is_timed_) since_ = clock::now();
  }
  /// The stage has run until now.
  void leave(std::size_t stage) noexcept {
    if (!is_timed_) return;
    auto const now = clock::now();
    spent_[stage] += static_cast<std::uint64_t>((now - since_).count());
    since_ = now;
  }
  /// Whether it is time to tell what there is: after the first item of the sample, and then ten times a second at most.
  bool is_due() noexcept {
    if (!std::exchange(is_timed_, false) || since_ < next_) return false;
    next_ = since_ + std::chrono::milliseconds(100);
    return true;
  }
  /// Nanoseconds of each stage since this was called last.
  std::vector<std::uint64_t> take() { return std::exchange(spent_, std::vector<std::uint64_t>(spent_.size())); }

 private:
  static constexpr std::uint64_t every = 64;

  std::vector<std::uint64_t> spent_;
  std::uint64_t items_ = 0;
  bool is_timed_ = false;
  clock::time_point since_;
  clock::time_point next_;
};

}  // namespace procx::inline v1::detail
