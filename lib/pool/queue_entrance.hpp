#pragma once

#include "system/event_count.hpp"

#include <procx/detail/system/operation.hpp>
#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/pool/queue_counts.hpp>
#include <procx/detail/pool/queue_inlet.hpp>
#include <procx/detail/pool/queue_waits.hpp>
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

/// Items on their way from the producers to the pool's thread: their bytes one behind the other, each behind its length, as
/// workers get them. So what one processor writes and another reads takes few cache lines, and nobody copies it.
struct queue_batch {
  /// Items that follow each other and are of a kind.
  struct kind {
    bool is_task = false;
    bool has_slabs = false;
    std::uint32_t count = 0;
    task_head head = {};
  };

  buffer items;
  std::vector<kind> kinds;
  std::deque<slab_sink> slabs;  // of those that have some
};

/// Where producers put items, in the order in which they come by, and wait if there is no room. Thread-safe.
///
/// Producers write into an open batch, under the inlet's lock, which the only producer of a queue has for itself. A batch
/// that is full, or that the pool's thread waits for, goes into a box under a lock that is taken that seldom; if the box is
/// empty when the pool's thread looks, it takes the open batch.
class queue_entrance {
 public:
  using deadline = queue_core::deadline;
  struct limits {
    std::size_t items;
    std::size_t bytes;
  };

  /// `wake` has the pool's thread look into the box; it is called without a lock.
  queue_entrance(limits const& l, std::size_t frame_limit, queue_counts& counts, std::function<void()> wake);

  queue_inlet& inlet() noexcept { return in_; }

  /// The item's index, or `no_place` if there was no room in time, or the consumer has left. Throws queue_stopped.
  std::uint64_t put(queue_item const& item, deadline until);
  std::uint64_t async_put(queue_item const& item, std::unique_ptr<operation>&& op);
  void cancel(std::uint64_t number);

  /// Items or bytes have gone for which producers may have waited.
  void room_made();
  /// Refuses everything from now on; the number of items there have been. None if it was so already. If the consumer has
  /// `left`, `put` says so by its result.
  std::optional<std::uint64_t> stop(bool left);
  bool left() const noexcept { return left_.load(); }
  /// The items that were refused because the consumer has left; each is told once.
  std::uint64_t take_refused() noexcept { return refused_.exchange(0); }
  std::uint64_t admitted() const noexcept { return in_.admitted.load(); }

  /// For the pool's thread: appends what is there. If nothing is, it will be woken when something comes, if it `sleeps`
  /// until then.
  bool take(std::list<queue_batch>& to, bool sleeps);
  /// Memory that can be written to again.
  void give_back(buffer memory);

 private:
  struct waiting_put {
    std::uint64_t number;
    stored_item item;
    std::unique_ptr<operation> op;
  };
  using finished_ops = std::vector<std::pair<std::unique_ptr<operation>, std::exception_ptr>>;

  bool has_room(std::size_t bytes) noexcept;
  std::uint64_t much_room() const noexcept { return limits_.items / 4 + 1; }
  bool wait_for_room(std::unique_lock<biased_mutex>& lock, std::size_t bytes, deadline until);
  void ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept;
  std::uint64_t bytes_kept() const noexcept;
  std::uint64_t add(queue_item const& item);
  bool continues_kind(queue_item const& item) const noexcept;
  void begin_kind(queue_item const& item);
  void count_kind() noexcept;
  void open_a_batch(std::size_t length);
  bool hand_over() noexcept;
  bool take_box(std::list<queue_batch>& to);
  bool must_wake() noexcept;
  void serve(finished_ops& done);
  void serve_waiting();
  void refuse();
  void finish(finished_ops& done);

  limits const limits_;
  queue_counts& counts_;
  std::function<void()> const wake_;

  queue_inlet in_;  // its lock guards what follows
  std::list<queue_batch> open_;  // one, or none: so it moves into the box without any memory, and cannot fail to
  std::byte* open_end_ = nullptr;  // of its room
  std::uint64_t counted_ = 0;      // items that the counts of its kinds tell, and those before it
  std::deque<waiting_put> waiting_;
  std::uint64_t numbers_ = 0;
  bool stopped_ = false;
  std::atomic<bool> left_ = false;          // by the consumer; read by anybody
  std::atomic<std::uint64_t> refused_ = 0;  // since then
  std::atomic<std::size_t> waiting_puts_ = 0;  // read by anybody

  short_mutex box_mutex_;  // guards what follows; may be taken under the inlet's
  std::list<queue_batch> box_;
  std::vector<buffer> spare_;

  event_count told_;  // those who wait for room, that there may be some
};

}  // namespace procx::inline v1::detail
