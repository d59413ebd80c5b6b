#pragma once

#include "measure.hpp"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace bench {

/// A vector to send, and what is to come back: every page is read over there, and the vector changed.
class payload {
 public:
  using numbers = std::vector<std::uint64_t>;

  explicit payload(std::size_t bytes) : sent_(bytes / sizeof(std::uint64_t)) {
    std::iota(sent_.begin(), sent_.end(), 1);
    expected_ = sent_;
    change(expected_);
  }
  numbers const& sent() const noexcept { return sent_; }
  std::size_t bytes() const noexcept { return sent_.size() * sizeof(std::uint64_t); }

  /// The work: the sum of a number from each page takes the place of the first.
  static void change(numbers& v) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < v.size(); i += page) sum += v[i];
    v[0] = sum;
  }
  /// Looks at every page.
  void check_answer(numbers const& v) const {
    check(v.size() == expected_.size() && v.back() == expected_.back());
    for (std::size_t i = 0; i < v.size(); i += page) check(v[i] == expected_[i]);
  }

 private:
  static constexpr std::size_t page = 4096 / sizeof(std::uint64_t);

  numbers sent_;
  numbers expected_;
};

}  // namespace bench
