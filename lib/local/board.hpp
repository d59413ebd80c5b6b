#pragma once

#include "process/crash_note.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// Which tasks a worker has begun, in one word, so that it and the parent never disagree. The worker counts up for each
/// task that it begins; the parent takes back all that are not begun by changing the epoch, after which the numbers of
/// those that it took back are used again.
struct claim {
  std::uint64_t word = 0;

  static constexpr unsigned count_bits = 48;
  static constexpr std::uint64_t count_mask = (std::uint64_t{1} << count_bits) - 1;

  std::uint64_t count() const noexcept { return word & count_mask; }  ///< tasks begun since the worker was made
  std::uint64_t epoch() const noexcept { return word >> count_bits; }
  static claim of(std::uint64_t epoch, std::uint64_t count) noexcept { return {epoch << count_bits | count}; }
};

/// What a worker notes in memory that it shares with the parent, so that it is known after a SIGKILL. No system calls.
///
/// Tasks on one worker are numbered from 0 in the order they are sent, and run in that order; the id of a task's frame
/// is `claim::of(epoch, number)`. The one that was begun last runs for as long as `claimed` > `returned`. Results wait in
/// `results` until they are written to the pipe together: what a killed worker had finished is found there and not lost.
/// Bytes [0, `results_end`) are whole frames, some of which the parent may have had through the pipe already; the last may
/// be open (`worker_results`).
struct alignas(64) board_slot {
  static constexpr std::size_t results_size = 128 * 1024;

  std::atomic<std::uint64_t> claim_word;
  std::atomic<std::uint64_t> returned;  ///< that have run; the result of the last may not be in `results` as yet
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> busy_ns;  ///< time spent on the tasks that are done
  std::atomic<std::uint64_t> results_end;
  std::atomic<std::uint64_t> results_epoch;  ///< odd while what was in `results` is changed, or being emptied
  std::atomic<std::uint64_t> stop;           ///< written by the parent: the task with this number, less 1, is to stop
  std::atomic<std::uint32_t> credit;         ///< written by the parent: the worker's window
  std::atomic<std::uint32_t> place;          ///< how far the task that runs has come, by its own count
  std::atomic<std::uint64_t> baseline;       ///< bytes that were resident in the worker before its first task; 0 until then
  crash_note crash;
  alignas(64) std::array<std::byte, results_size> results;

  void reset() noexcept;
  std::uint64_t claimed() const noexcept { return claim{claim_word.load(std::memory_order_acquire)}.count(); }
  /// By the worker: begins the next task, if its frame has this id; false if that one was taken back.
  bool begin(std::uint64_t id) noexcept {
    std::uint64_t expected = id;
    return claim_word.compare_exchange_strong(expected, id + 1, std::memory_order_acq_rel);
  }
  /// By the parent: takes back what has not been begun. The new epoch, and how many have been begun.
  claim recall() noexcept;
  /// A copy of the results that wait, as they are.
  std::span<std::byte const> copy_results(std::span<std::byte, results_size> into) const noexcept;
  /// The same for a worker that lives; empty if it was changing them just now.
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
