#pragma once

#include "pool/queue_counts.hpp"

#include <procx/channel/operation.hpp>
#include <procx/pool/queue_core.hpp>
#include <procx/pool/queue_waits.hpp>
#include <procx/wire/buffer.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
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
class queue_entrance {
 public:
  using deadline = queue_core::deadline;
  struct limits {
    std::size_t items;
    std::size_t bytes;
  };

  /// `wake` has the pool's thread look into the box; it is called without a lock.
  queue_entrance(limits const& l, queue_counts& counts, std::function<void()> wake);

  /// The item's index, or `no_place` if there was no room in time. Throws queue_stopped.
  std::uint64_t put(queue_item const& item, deadline until);
  std::uint64_t async_put(queue_item const& item, std::unique_ptr<operation> op);
  void cancel(std::uint64_t number);

  /// Items or bytes have gone for which producers may have waited.
  void room_made();
  /// Refuses everything from now on; the number of items there have been. None if it was so already.
  std::optional<std::uint64_t> stop();
  std::uint64_t admitted() const;

  /// For the pool's thread: appends what is there. If nothing is, it will be woken when something comes, if it `sleeps`
  /// until then.
  bool take(std::deque<queue_batch>& to, bool sleeps);
  /// Memory that can be written to again.
  void give_back(buffer memory);

 private:
  struct waiting_put {
    std::uint64_t number;
    stored_item item;
    std::unique_ptr<operation> op;
  };
  using finished_ops = std::vector<std::pair<std::unique_ptr<operation>, std::exception_ptr>>;

  bool had_room(std::size_t bytes) const noexcept { return admitted_ < items_until_ && bytes_in_ + bytes <= bytes_until_; }
  bool has_room(std::size_t bytes) noexcept;
  std::uint64_t much_room() const noexcept { return limits_.items / 4 + 1; }
  bool wait_for_room(std::unique_lock<short_mutex>& lock, std::size_t bytes, deadline until);
  void ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept;
  std::uint64_t bytes_kept() const noexcept;
  void add(queue_item const& item, std::size_t size);
  void add_other(queue_item const& item);
  void open_a_batch(std::size_t length);
  void serve(finished_ops& done);
  bool must_wake() noexcept { return !std::exchange(awake_, true); }
  static void finish(finished_ops& done);

  limits const limits_;
  queue_counts& counts_;
  std::function<void()> const wake_;

  mutable short_mutex mutex_;  // guards what follows
  std::condition_variable_any has_room_;
  std::deque<queue_batch> box_;
  queue_batch* open_ = nullptr;      // the last one, if there is one
  queue_batch::kind* last_ = nullptr;  // what was added to it last
  std::vector<buffer> spare_;
  std::deque<waiting_put> waiting_;
  std::uint64_t numbers_ = 0;
  std::size_t blocked_ = 0;
  std::uint64_t admitted_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t items_until_ = 0;  // so far there is room, as was last seen
  std::uint64_t bytes_until_ = 0;
  bool awake_ = false;  // the pool's thread will look into the box
  bool stopped_ = false;
};

}  // namespace procx::inline v1::detail
