#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// How many more tasks may be begun, as far as that is a matter of the memory their results will take. It knows what a result
/// takes on average: a moving average over what came between two measurements.
class result_allowance {
 public:
  /// `always`: so many tasks may be under way while there is any room, whatever they will take.
  explicit result_allowance(std::size_t always = 0) noexcept : always_(always) {}

  /// Results that have come, and their bytes.
  void count(std::size_t results, std::size_t bytes) noexcept {
    results_ += results;
    bytes_ += bytes;
  }
  /// Once for what came together: the average moves by a quarter.
  void measure() noexcept {
    if (results_ == 0) return;
    double const each = static_cast<double>(bytes_) / static_cast<double>(results_);
    average_ = is_measured_ ? average_ + (each - average_) / 4 : each;
    is_measured_ = true;
    results_ = bytes_ = 0;
  }
  /// Returns true if results are known to take no memory, or nothing is known of them.
  bool is_unlimited() const noexcept { return average_ < 1; }
  /// Tasks that may be begun, when `kept` bytes of results have not been taken and `under_way` tasks have not ended, for all
  /// results together to stay within `most` bytes. If nothing is kept or under way, one, whatever it takes.
  std::size_t more(std::uint64_t kept, std::size_t under_way, std::uint64_t most) const noexcept {
    if (is_unlimited()) return ~std::size_t{0};
    std::size_t all = kept == 0;
    if (kept < most) {
      double const fit = static_cast<double>(most - kept) / average_;
      all = std::max({all, always_, static_cast<std::size_t>(std::min(fit, 1e9))});
    }
    return all - std::min(all, under_way);
  }

 private:
  std::size_t always_;
  std::size_t results_ = 0;  // since the last measurement
  std::size_t bytes_ = 0;
  double average_ = 0;  // bytes of a result
  bool is_measured_ = false;
};

}  // namespace procx::inline v1::detail
