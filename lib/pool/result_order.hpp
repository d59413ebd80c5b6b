#pragma once

#include "pool/result_chunk.hpp"

#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Puts outcomes into the order of their items. They come in runs, each in its order, because a worker is given items that
/// follow each other; a run is put together in one piece of memory and leaves as such. Not thread-safe: it is the pool's
/// thread's.
class result_order {
 public:
  result_order() = default;
  result_order(result_order const&) = delete;
  result_order& operator=(result_order const&) = delete;

  /// The first item whose outcome has not left.
  std::uint64_t first() const noexcept { return first_; }

  /// The outcome of this item, the only one; not before `first()`. A value: at most taken_result::most_bytes.
  template <class Result>
  void add(std::uint64_t index, Result&& result) {
    run& r = run_for(index);
    r.results.add(std::forward<Result>(result));
    ++r.end;
  }
  /// Likewise of the items from `first` on.
  void add_series(std::uint64_t first, value_series const& values) {
    run& r = run_for(first);
    r.results.add(values);
    r.end += values.count;
  }

  bool front_is_there() const noexcept { return starting_at(first_) != nullptr; }
  /// Moves the run at the front there, and what was there to where its memory is used again; it must be empty. False if
  /// the first outcome has not come.
  bool take_front(result_chunk& to);

 private:
  struct run {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    result_chunk results;
  };
  static constexpr std::size_t kept = 8;  // pieces of memory that wait to be used again

  run& run_for(std::uint64_t index) {
    if (recent_ && recent_->end == index && !recent_->results.is_full()) [[likely]] return *recent_;
    return other_run(index);
  }
  run& other_run(std::uint64_t index);
  run* starting_at(std::uint64_t index) const noexcept;
  run*& slot(std::uint64_t index) noexcept { return slots_[static_cast<std::size_t>(index) & (slots_.size() - 1)]; }
  void make_slots(std::uint64_t end);
  void note_end(run& r);

  std::uint64_t first_ = 0;
  run* recent_ = nullptr;      // the one that was added to last
  std::vector<run*> slots_;    // for each item, in a ring: the run that begins with it, or the one that ends before it
  std::deque<run> runs_;
  std::vector<run*> unused_;
  std::vector<result_chunk> spare_;
};

}  // namespace procx::inline v1::detail
