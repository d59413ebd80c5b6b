#pragma once

#include "system/event_count.hpp"

#include <procx/detail/pool/flow_counts.hpp>
#include <procx/detail/pool/intake_fast_path.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/system/operation.hpp>
#include <procx/detail/system/short_mutex.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Items on their way from the producers to the loop thread: their bytes one behind the other, each behind its length, as
/// workers get them. So what one processor writes and another reads takes few cache lines, and is not copied.
struct intake_batch {
  /// Items whose numbers count up, and that are alike.
  struct run {
    std::uint64_t first = 0;  ///< number of the first of those that are left
    std::uint32_t count = 0;  ///< 0: there was no memory for the item
    bool is_task = false;
    bool has_slabs = false;
    task_head head = {};
  };

  buffer items;
  std::vector<run> runs;
  std::deque<slab_sink> slabs;                         // of the items that have some
  std::vector<std::unique_ptr<operation>> operations;  // of all items, if each has one that waits for its outcome

  void clear() noexcept { items.clear(), runs.clear(), slabs.clear(), operations.clear(); }
};

/// The way from producers on any threads to the loop thread, in the order in which they come by, bounded in items and bytes.
/// Without room producers wait, blocking or asynchronously. Thread-safe.
///
/// Producers write into an open batch, under the lock of the fast path, which the only producer of a queue has for itself. A
/// batch that is full, or that the loop thread waits for, goes into a box under a lock that is taken that seldom; if the box is
/// empty when the loop thread looks, it takes the open batch.
///
/// Items of a queue are numbered by their places, and an asynchronous operation ends when its item has one. Tasks of a pool
/// bring the operation that waits for their outcome, and have a number from the moment they wait: numbers count up in the order
/// of admission, those of tasks that are withdrawn before are no task's.
class intake {
 public:
  struct limits {
    std::size_t items;
    std::size_t bytes;
  };
  /// When the operations end that come with items.
  enum class operations { end_with_admission, end_with_outcome };

  /// `wake` has the loop thread look into the box; it is called without a lock.
  intake(limits const& l, std::size_t frame_limit, operations ops, flow_counts& counts, std::function<void()> wake);

  intake_fast_path& fast_path() noexcept { return in_; }

  // Of a queue.
  /// The item's index, or `no_place` if there was no room in time, or the consumer has left. Throws queue_stopped.
  std::uint64_t put(intake_item const& item, wait_deadline until);
  /// The same whether or not there is room, for those who must not wait.
  std::uint64_t put_anyway(intake_item const& item);
  /// A number for `cancel`. The operation ends when the item has its place.
  std::uint64_t async_put(intake_item const& item, std::unique_ptr<operation>&& op);
  void cancel(std::uint64_t number);

  // Of a pool.
  /// The task's number. Without room waits if it `may_wait`, else lets the task wait. Throws queue_stopped; then, and if there
  /// is no memory, the operation is still the caller's. Null: of a posted task.
  std::uint64_t submit(intake_item const& item, std::unique_ptr<operation>&& op, bool may_wait);
  /// Takes out a task that waits for room; its operation, or none if it does not wait.
  std::optional<std::unique_ptr<operation>> withdraw(std::uint64_t number);
  /// The same for any such task, with its number.
  std::optional<std::pair<std::uint64_t, std::unique_ptr<operation>>> withdraw_first();
  /// Tasks that wait for room, and those that were admitted: never too few, if tasks that are over were counted before.
  std::uint64_t submitted() const noexcept {
    std::uint64_t const waiting = waiting_count_.load();  // first: from there a task goes to the admitted ones
    return waiting + admitted();
  }

  /// Items or bytes have gone for which producers may have waited.
  void room_made();
  /// Refuses everything from now on; the number of items there have been. None if it was so already. If the consumer has
  /// `left`, `put` says so by its result.
  std::optional<std::uint64_t> stop(bool left);
  bool left() const noexcept { return left_.load(); }
  /// The items that were refused because the consumer has left; each is told once.
  std::uint64_t take_refused() noexcept { return refused_.exchange(0); }
  std::uint64_t admitted() const noexcept { return in_.admitted.load(); }

  /// For the loop thread: appends what is there. If nothing is, it will be woken when something comes, if it `sleeps`
  /// until then.
  bool take(std::list<intake_batch>& to, bool sleeps);
  /// Memory that can be written to again: that of the first batch, which leaves the list.
  void recycle_front(std::list<intake_batch>& from);

 private:
  struct waiting_item {
    std::uint64_t number;
    stored_item item;
    std::unique_ptr<operation> op;
  };
  using waiting_items = std::deque<waiting_item>;
  using finished_ops = std::vector<std::pair<std::unique_ptr<operation>, std::exception_ptr>>;

  bool has_room(std::size_t bytes) noexcept;
  bool has_room_now(std::size_t bytes) noexcept;
  std::uint64_t much_room() const noexcept { return limits_.items / 4 + 1; }
  bool wait_for_room(std::unique_lock<biased_mutex>& lock, std::size_t bytes, wait_deadline until);
  void ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept;
  std::uint64_t bytes_kept() const noexcept;
  void let_wait(intake_item const& item, std::unique_ptr<operation>&& op);
  void add_waiting(std::uint64_t number, intake_item const& item, std::unique_ptr<operation>&& op);
  waiting_items::iterator find_waiting(std::uint64_t number) noexcept;
  void count_waiting() noexcept { waiting_count_.store(waiting_.size()); }
  std::uint64_t add(intake_item const& item, std::uint64_t number, std::unique_ptr<operation>* op = nullptr);
  bool continues_run(intake_item const& item, std::uint64_t number) const noexcept;
  void begin_run(intake_item const& item, std::uint64_t number);
  void count_run() noexcept;
  void open_a_batch(std::size_t length);
  bool hand_over() noexcept;
  bool take_box(std::list<intake_batch>& to);
  bool must_wake() noexcept;
  void serve(finished_ops& done);
  void serve_waiting();
  void refuse();
  void finish(finished_ops& done);

  limits const limits_;
  operations const operations_;
  flow_counts& counts_;
  std::function<void()> const wake_;

  intake_fast_path in_;           // its lock guards what follows
  std::list<intake_batch> open_;  // one, or none: so it moves into the box without any memory, and cannot fail to
  std::byte* open_end_ = nullptr;  // of its room; null: it has none
  std::uint64_t counted_ = 0;      // items that the counts of its runs tell, and those before it
  waiting_items waiting_;          // by their numbers
  std::uint64_t numbers_ = 0;      // that were given out: to tasks of a pool, or to waiting items of a queue
  bool stopped_ = false;
  std::atomic<bool> left_ = false;              // by the consumer; read by anybody
  std::atomic<std::uint64_t> refused_ = 0;      // since then
  std::atomic<std::size_t> waiting_count_ = 0;  // read by anybody

  short_mutex box_mutex_;  // guards what follows; may be taken under the fast path's
  std::list<intake_batch> box_;
  std::list<intake_batch> spare_;

  event_count room_news_;  // tells producers that wait for room that there may be some
};

}  // namespace procx::inline v1::detail
