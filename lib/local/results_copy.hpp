#pragma once

#include "local/board.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// Where results are copied to, from memory in which others can write, before anybody looks at them. The thread's own memory,
/// used again and again; unless that is in use, since a result type's `serialize` has run a map of its own, which looks at
/// other boards from this thread.
class results_copy {
 public:
  results_copy() noexcept : memory_(std::exchange(spare, nullptr)) {
    if (!memory_) memory_.reset(new (std::nothrow) memory);
  }
  results_copy(results_copy const&) = delete;
  ~results_copy() { spare = std::move(memory_); }

  /// False if there is no memory.
  explicit operator bool() const noexcept { return memory_ != nullptr; }
  std::span<std::byte, board_slot::results_size> bytes() noexcept { return *memory_; }

 private:
  using memory = std::array<std::byte, board_slot::results_size>;
  static inline thread_local std::unique_ptr<memory> spare;

  std::unique_ptr<memory> memory_;
};

}  // namespace procx::inline v1::detail
