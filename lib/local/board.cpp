#include "local/board.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>

namespace procx::inline v1::detail {

void board_slot::reset() noexcept {
  for (auto* word : {&claim_word, &returned, &done, &busy_ns, &results_end, &results_epoch, &stop, &baseline})
    word->store(0, std::memory_order_relaxed);
  place.store(0, std::memory_order_relaxed);
  crash.reset();
}

claim board_slot::recall() noexcept {
  claim seen{claim_word.load(std::memory_order_relaxed)}, next;
  do {
    next = claim::of(seen.epoch() + 1, seen.count());
  } while (!claim_word.compare_exchange_weak(seen.word, next.word, std::memory_order_acq_rel));
  return next;
}

std::span<std::byte const> board_slot::copy_results(std::span<std::byte, results_size> into) const noexcept {
  std::size_t const end = std::min<std::uint64_t>(results_end.load(std::memory_order_acquire), results_size);
  std::memcpy(into.data(), results.data(), end);
  return into.first(end);
}

std::span<std::byte const> board_slot::peek(std::span<std::byte, results_size> into) const noexcept {
  std::uint64_t const before = results_epoch.load(std::memory_order_acquire);
  // Racing on purpose: what was read is thrown away if the worker began to empty the buffer meanwhile.
  auto const copied = copy_results(into);
  std::atomic_thread_fence(std::memory_order_acquire);
  bool const same = before % 2 == 0 && results_epoch.load(std::memory_order_relaxed) == before;
  return copied.first(same ? copied.size() : 0);
}

board::board(std::size_t slots) : size_(slots * sizeof(board_slot)) {
  void* const memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw boost::system::system_error(errno, boost::system::system_category(), "no shared memory for the board");
  slots_ = static_cast<board_slot*>(memory);  // zeroed memory is a board of idle workers
}

board::~board() { ::munmap(slots_, size_); }

}  // namespace procx::inline v1::detail
