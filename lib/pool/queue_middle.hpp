#pragma once

#include "dispatch/lane.hpp"
#include "pool/runner_settings.hpp"
#include "pool/queue_entrance.hpp"
#include "pool/queue_exit.hpp"
#include "pool/result_order.hpp"

#include <procx/detail/pool/queue_core.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <utility>

namespace procx::inline v1::detail {

/// What the two ends of a parallel queue have in common.
struct queue_ends {
  queue_ends(queue_entrance::limits const& l, std::size_t frame_limit, std::function<void()> wake,
             std::function<void()> tell_taken, std::function<void()> wake_consumers)
      : limits(l),
        entrance(l, frame_limit, counts, std::move(wake)),
        exit(counts, std::move(tell_taken), std::move(wake_consumers)) {}

  queue_entrance::limits const limits;
  queue_counts counts;
  // What different threads write for every item lies on cache lines of its own.
  alignas(cache_line) queue_entrance entrance;
  alignas(cache_line) queue_exit exit;
};

/// Between the two ends of a parallel queue: hands items to the dispatcher as workers have room for them and their results
/// may take memory, and puts results into order. Everything but `workers` happens on the pool's thread.
class alignas(cache_line) queue_middle final : public task_sink {
 public:
  /// `over`: called once, from within the dispatcher, when the queue is stopped and all tasks have ended. `broken`: see
  /// `task_sink::on_broken`.
  queue_middle(queue_ends& ends, event_loop& loop, parallel_queue_options const& options, std::shared_ptr<void> callable,
               std::function<void()> over, std::function<void(std::exception_ptr)> broken);

  /// Forks the nursery: before there is another thread.
  void prepare() { dispatcher_.prepare(); }
  /// Looks what there is to do.
  void go_on();
  /// So many items there are in all.
  void stop_at(std::uint64_t all);
  void cancel(std::uint64_t index, boost::asio::cancellation_type how);
  /// Ends the workers: kills those that have tasks.
  void end() noexcept;
  std::size_t workers() const noexcept { return workers_.load(std::memory_order_relaxed); }

  // From the dispatcher.
  void on_value(std::uint64_t index, worker_name const& worker, encoded_value const& value) override;
  void on_values(std::uint64_t first, worker_name const& worker, value_series const& values) override;
  void on_failure(std::uint64_t index, worker_name const& worker, std::exception_ptr error) override;
  void on_progress() override;
  void on_broken(std::exception_ptr why) noexcept override { broken_told_(std::move(why)); }
  /// See `dispatcher::guarded`.
  template <class F>
  void guarded(F f) noexcept {
    dispatcher_.guarded(f);
  }
  void on_bad_ending(std::exception_ptr error) noexcept override { ends_.exit.note_bad_ending(std::move(error)); }

 private:
  static constexpr std::uint64_t not_stopped = ~std::uint64_t{0};

  bool is_stopped() const noexcept { return all_ != not_stopped; }
  void feed();
  std::size_t feed_front(std::size_t room);
  std::uint32_t feed_tasks(queue_batch::kind const& kind, std::size_t room);
  void feed_other(queue_batch::kind const& kind);
  bool has_waiting();
  std::size_t allowed();
  std::size_t room_for_results() const noexcept;
  std::size_t bytes_held() const noexcept;
  void finish(std::uint64_t index, encoded_value const& value);
  void fail(std::uint64_t index, std::exception_ptr error);
  void publish();
  void measure() noexcept;
  void check_over();

  queue_ends& ends_;
  std::function<void()> const over_told_;
  std::function<void(std::exception_ptr)> const broken_told_;
  result_order results_;
  std::list<queue_batch> batches_;     // that were not handed out, or not as a whole
  task_store::position at_;            // in the first of them, if it was begun
  bool begun_ = false;
  std::size_t kinds_fed_ = 0;          // of it, likewise
  std::set<std::uint64_t> cancelled_;  // of items that were not handed out
  std::uint64_t fed_ = 0;              // items that were
  std::uint64_t tasks_fed_ = 0;
  std::uint64_t tasks_over_ = 0;
  std::uint64_t bytes_fed_ = 0;  // of arguments
  std::uint64_t bytes_come_ = 0;       // of results
  std::uint64_t task_bytes_come_ = 0;  // those of them that nobody has passed
  std::uint64_t measured_results_ = 0;
  std::uint64_t measured_bytes_ = 0;
  double average_ = 0;  // bytes of a result
  std::uint64_t all_ = not_stopped;
  bool over_ = false;
  std::atomic<std::size_t> workers_ = 0;
  runner_settings const settings_;
  std::shared_ptr<callable_table> const callables_;
  dispatcher dispatcher_;
  lane lane_{dispatcher_, *this};
};

}  // namespace procx::inline v1::detail
