#pragma once

#include "process/heed_maker.hpp"
#include "process/nursery.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace procx::inline v1::detail {

// What a nursery and the process that made it say to each other, a packet each. An order is one byte, what is
// captured (to the last descriptor, if anything is), the signals that the new process heeds only from the maker of the
// nursery, and up to 256 bytes for the new process.

inline constexpr std::size_t order_head = 1 + sizeof(signal_bits);
inline constexpr std::size_t longest_order = order_head + 256;
inline constexpr std::byte dismissal{255};  ///< instead of what is captured: there will be no more orders

/// Another order that is no process: a signal to one of the nursery's children. There is no answer.
struct kill_order {
  static constexpr std::byte mark{254};  ///< instead of what is captured

  std::int32_t pid = 0;
  std::int32_t signal = 0;

  static constexpr std::size_t size = 9;
  std::array<std::byte, size> packed() const noexcept {
    std::array<std::byte, size> bytes{mark};
    std::memcpy(bytes.data() + 1, this, size - 1);
    return bytes;
  }
  static kill_order from(std::span<std::byte const> packet) noexcept {
    kill_order order;
    if (packet.size() == size) std::memcpy(&order, packet.data() + 1, size - 1);
    return order;
  }
};
static_assert(sizeof(kill_order) + 1 == kill_order::size);

enum class nursery_news : std::int32_t {
  started,      ///< `pid` runs; its pidfd comes with the packet
  not_started,  ///< `code` is why, an errno
  ended,        ///< `pid` has ended: `code` is its si_code, `value` its si_status, and what it has used
};

struct nursery_answer {
  nursery_news news;
  std::int32_t pid = 0;
  std::int32_t code = 0;
  std::int32_t value = 0;
  std::int64_t cpu_us = 0;
  std::int64_t peak_memory = 0;  // bytes

  static constexpr std::size_t size = 32;
  std::array<std::byte, size> packed() const noexcept {
    std::array<std::byte, size> bytes;
    std::memcpy(bytes.data(), this, size);
    return bytes;
  }
};
static_assert(sizeof(nursery_answer) == nursery_answer::size);

/// The life of a nursery: forks what is ordered, reaps what has ended, leaves when its maker does. Signals of others are
/// nothing to it. Whether it was dismissed: else its maker has died.
bool run_nursery(descriptor& control, pid_t maker, nursery::body_function const& body);

}  // namespace procx::inline v1::detail
