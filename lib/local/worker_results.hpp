#pragma once

#include "local/board.hpp"
#include "system/descriptor.hpp"
#include "system/file_identity.hpp"

#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// The results of a worker's tasks, by the worker: they wait on the board until they are written to the pipe together. Values
/// of one length that follow each other become one frame, which is open until something else comes.
class worker_results {
 public:
  worker_results(board_slot& slot, descriptor const& pipe) noexcept : slot_(slot), pipe_(pipe), pipe_file_(pipe.get()) {}

  /// The next value behind one that is as long; false if it is no such, or there is no room.
  bool extend(std::span<std::byte const> value) noexcept {
    std::uint64_t const end = slot_.results_end.load(std::memory_order_relaxed);
    if (value.size() != length_ || count_ == value_series::most || end + length_ > board_slot::results_size) return false;
    copy_bytes(slot_.results.data() + end, value.data(), value.size());
    slot_.results_end.store(end + value.size(), std::memory_order_release);
    ++count_;
    return true;
  }
  bool has_room(std::size_t length) const noexcept {
    return slot_.results_end.load(std::memory_order_relaxed) + frame_header::size + length <= board_slot::results_size;
  }
  /// The result of the task with this number. If there is no room for it though nothing waits, it is written at once. False
  /// if there is nobody to give results to.
  bool add(frame_kind kind, std::uint8_t flags, std::uint64_t number, std::span<std::byte const> payload);
  /// Writes what waits; false likewise.
  bool flush();
  /// Writes a frame that does not wait; false likewise.
  bool write(frame_header const& header, std::span<std::byte const> payload);

  /// By the parent, of what is on the board: takes off the first frame, if there is a whole one.
  static std::optional<frame> next_of(std::span<std::byte const>& results) noexcept;

 private:
  bool write_all(std::span<std::byte const> bytes);
  void close_series() noexcept;
  template <class Change>
  void change(Change what) noexcept;

  static constexpr std::size_t closed = ~std::size_t{0};

  board_slot& slot_;
  descriptor const& pipe_;
  file_identity pipe_file_;
  std::size_t length_ = closed;  // of each value in the frame that is open
  std::size_t count_ = 0;
  std::byte* header_ = nullptr;
  std::uint64_t first_ = 0;
};

}  // namespace procx::inline v1::detail
