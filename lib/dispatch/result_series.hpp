#pragma once

#include "dispatch/worker.hpp"

#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// A worker's results that the dispatcher was not given as yet. Those of one length are given together.
class result_series {
 public:
  static constexpr std::size_t at_most = 64 * 1024;  ///< bytes

  result_series(worker_events& events, worker& of) noexcept : events_(events), of_(of) {}

  std::size_t count() const noexcept { return count_; }
  void add(std::span<std::byte const> value) {
    if (count_ > 0 && (value.size() != length_ || bytes_.size() + length_ > at_most)) give();
    length_ = value.size();
    bytes_.append(value.data(), value.size());
    ++count_;
  }
  /// All that there are.
  void give() {
    std::size_t const count = std::exchange(count_, 0);
    if (count > 0) events_.on_results(of_, {.values = {0, length_, count, bytes_.data()}});
    bytes_.clear();
  }

 private:
  worker_events& events_;
  worker& of_;
  buffer bytes_;
  std::size_t length_ = 0;
  std::size_t count_ = 0;
};

}  // namespace procx::inline v1::detail
