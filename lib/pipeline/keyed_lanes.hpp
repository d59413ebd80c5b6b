#pragma once

#include "dispatch/lane.hpp"
#include "pipeline/stage_chain.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// The lanes of a segment that keeps the order of items with the same key: serial ones, each of many keys. So few keys run one
/// behind the other that need not.
class keyed_lanes {
 public:
  static constexpr std::size_t for_each_worker = 16;
  static constexpr std::size_t most = 1024;

  /// `make()` gives a serial lane.
  template <class Make>
  keyed_lanes(std::size_t workers, Make make) {
    std::size_t const count = std::min(most, workers * for_each_worker);
    for (std::size_t i = 0; i < count; ++i) lanes_.push_back(make());
  }

  /// The lane of an item that begins with its key.
  lane& of(std::byte const* item) noexcept { return *lanes_[(key_at(item) >> 32) % lanes_.size()]; }
  bool wants_more() const noexcept {
    std::size_t const waits = std::accumulate(lanes_.begin(), lanes_.end(), std::size_t{0}, [](std::size_t sum, auto const& l) {
      return sum + l->unassigned_bytes();
    });
    return waits < schedule::settings().bytes;
  }

 private:
  std::vector<std::unique_ptr<lane>> lanes_;
};

}  // namespace procx::inline v1::detail
