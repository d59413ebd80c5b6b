#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// What a worker notes in memory that it shares with the parent, so that it is known after a SIGKILL. No system calls.
///
/// Tasks on one worker are numbered from 0 in the order they are sent, and run in that order: `claimed` − 1 is the one
/// that runs, or ran last; it runs for as long as `claimed` > `done`. Results wait in `results` until they are written
/// to the pipe together: what a killed worker had finished is found there and not lost. Bytes [0, `results_end`) are
/// whole frames, some of which the parent may have had through the pipe already.
struct alignas(64) board_slot {
  static constexpr std::size_t results_size = 64 * 1024;

  std::atomic<std::uint64_t> claimed;
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> busy_ns;  ///< time spent on the tasks that are done
  std::atomic<std::uint64_t> results_end;
  std::atomic<std::uint64_t> results_epoch;  ///< odd while `results` is being emptied
  std::atomic<std::uint32_t> credit;         ///< written by the parent: the worker's window
  alignas(64) std::array<std::byte, results_size> results;

  void reset() noexcept;
  /// A copy of the results that wait, for a worker that lives; empty if it was emptying them just now.
  std::span<std::byte const> peek(std::span<std::byte, results_size> into) const noexcept;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// One slot for each worker that a pool may have, in anonymous shared memory that its nursery inherits. Pages that no
/// worker has touched cost nothing.
class board {
 public:
  explicit board(std::size_t slots);
  board(board const&) = delete;
  board& operator=(board const&) = delete;
  ~board();

  board_slot& operator[](std::size_t i) noexcept { return slots_[i]; }

 private:
  board_slot* slots_;
  std::size_t size_;
};

}  // namespace procx::inline v1::detail
