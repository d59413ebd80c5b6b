#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace etl {

/// Random numbers that are the same for a seed on every machine (SplitMix64).
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// From 0 to below `end`.
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  /// From 0 to below 1.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool happens(double share) { return unit() < share; }
  /// With a mean of 1.
  double exponential() { return -std::log(1 - unit()); }
  /// With a median of 1 and a standard deviation of the logarithm.
  double log_normal(double sigma) {
    return std::exp(sigma * std::sqrt(2 * exponential()) * std::cos(2 * std::numbers::pi * unit()));
  }
  template <class T>
  T const& one_of(std::span<T const> all) {
    return all[below(all.size())];
  }

 private:
  std::uint64_t state_;
};

/// Numbers from 0 to below `size`, of which each is drawn less often than the one before (Zipf's law).
class zipf_numbers {
 public:
  zipf_numbers(std::size_t size, double exponent) {
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) sums_.push_back(sum += std::pow(static_cast<double>(i + 1), -exponent));
  }
  std::size_t draw(random_numbers& from) const {
    double const at = from.unit() * sums_.back();
    std::size_t low = 0, high = sums_.size() - 1;
    while (low < high) {
      std::size_t const middle = (low + high) / 2;
      if (sums_[middle] > at)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }

 private:
  std::vector<double> sums_;
};

}  // namespace etl
