#pragma once

#include "dispatch/lane.hpp"
#include "pool/end_watch.hpp"
#include "pool/intake.hpp"
#include "local/runner_settings.hpp"
#include "pool/serial_context.hpp"

#include <procx/detail/pool/flow_counts.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// What a process pool and a parallel queue have in common: the way from their producers through an intake to the dispatcher,
/// and the life cycle. Where outcomes go is the derived class's.
///
/// The dispatcher is on the loop thread: a thread of the front's own, or a strand of the user's executor. All members but those
/// that say so are for the loop thread.
class front : public task_sink, public std::enable_shared_from_this<front> {
 public:
  struct settings {
    runner_settings work;
    intake::limits limits;
    intake::operations operations;
  };
  front(settings const& s, std::optional<boost::asio::any_io_executor> const& executor,
        std::shared_ptr<callable_table> callables);
  front(front const&) = delete;
  front& operator=(front const&) = delete;
  virtual ~front() = default;

  // For the owner.
  /// Forks the nursery, and then starts the loop thread.
  void start();
  /// At the end of the owner. In a forked child the front is only a copy: it stays as it is.
  template <class Front>
  static void leave(std::shared_ptr<Front> self) noexcept {
    if (!self->foreign()) return self->shut();
    self->context_.abandon();
    static_cast<void>(new std::shared_ptr<Front>(std::move(self)));
  }

  // For any thread.
  bool foreign() const noexcept { return context_.foreign(); }
  bool runs_once() const noexcept { return dispatcher_.runs_once(); }
  std::size_t workers() const noexcept { return workers_.load(std::memory_order_relaxed); }
  handler_home& home() noexcept { return context_; }

  // From the dispatcher.
  void on_broken(std::exception_ptr why) noexcept final;
  void on_bad_ending(std::exception_ptr error) noexcept final { ends_.note_bad_ending(std::move(error)); }

 protected:
  // What a derived class does.
  /// Admits no more items. For any thread.
  virtual void refuse() noexcept = 0;
  /// Called once, when the workers have gone. Tasks that are not over fail with this; null: the owner goes, or has stopped.
  virtual void on_end(std::exception_ptr why) noexcept = 0;
  /// Called by the owner's destructor before the end.
  virtual void on_shut() noexcept {}
  /// Ends workers of other dispatchers on the same loop, if there are some: `then` when they have gone.
  virtual void end_others(std::function<void()> then) { then(); }
  /// The lane of an item, whose bytes these are, if it is to have one of its own.
  virtual lane* lane_for(std::byte const*) { return nullptr; }
  /// Of what was made of items and waits for workers of other dispatchers: for producers it counts as what they gave.
  virtual std::size_t bytes_elsewhere() const noexcept { return 0; }
  /// A batch was taken from the intake.
  virtual void on_batch(intake_batch&) {}
  /// The next item is no task but this value.
  virtual void on_passed(std::uint64_t, std::span<std::byte const>) {}
  /// A task was cancelled before it was given to the dispatcher.
  virtual void on_withdrawn(std::uint64_t) {}

  /// Calls `f(self)` on the loop thread, unless the front has ended by then. For any thread.
  template <class Derived, class F>
  void on_loop(F f) {
    context_.post([weak = weak_from_this(), f = std::move(f)] {
      auto const self = weak.lock();
      if (self && !self->ended_) self->dispatcher_.guarded([&] { f(static_cast<Derived&>(*self)); });
    });
  }
  template <class F>
  void guarded(F f) noexcept {
    dispatcher_.guarded(f);
  }

  /// How many more tasks would be of use to the workers.
  std::size_t room() const { return lane_.room(); }
  /// Gives the dispatcher at most so many tasks of what came through the intake. If the workers have enough, only what is there
  /// in full batches: the loop thread looks again when results have come.
  void feed(std::size_t most);
  /// Gives it all that was admitted until now.
  void feed_all();
  /// How many items will follow, if that is known.
  void expect_remaining(std::size_t items) noexcept { lane_.expect_remaining(items); }
  void expect_no_more() noexcept { dispatcher_.all_tasks_are_here(); }
  std::unique_ptr<lane> open_lane(lane::order order) { return std::make_unique<lane>(dispatcher_, *this, 1, order); }
  std::chrono::nanoseconds busy_time() const noexcept { return dispatcher_.busy_time(); }
  void note_workers() noexcept { workers_.store(dispatcher_.workers(), std::memory_order_relaxed); }
  /// Has the workers begin what they were given.
  void pump();
  /// See `dispatcher::hold_results`.
  void hold_results(bool hold) { dispatcher_.hold_results(hold); }
  /// Cancels a task that was admitted, as Asio means it.
  void cancel_task(std::uint64_t number, boost::asio::cancellation_type how);
  std::size_t leaving_workers() const noexcept { return dispatcher_.leaving(); }
  /// Ends the workers: `then` when they have gone. On the user's executor that is later, and until then this object lives on.
  void end_workers(std::function<void()> then) noexcept;
  /// The end of everything: ends the workers, then `on_end`.
  void end(std::exception_ptr const& why = nullptr) noexcept;

  /// Tasks have ended.
  void count_over(std::size_t tasks) noexcept { tasks_over_ += tasks; }
  std::size_t under_way() const noexcept { return static_cast<std::size_t>(tasks_fed_ - tasks_over_); }
  std::uint64_t items_fed() const noexcept { return items_fed_; }
  /// Of the arguments of tasks that are not over.
  std::size_t argument_bytes() const noexcept { return dispatcher_.task_bytes() - under_way() * arguments_length_size; }
  /// Tells producers that wait for room if there may be some.
  void publish_room();

  std::size_t const frame_limit_;
  flow_counts counts_;
  alignas(cache_line) intake intake_;  // what different threads write for every item lies on cache lines of its own
  alignas(cache_line) serial_context context_;
  end_watch ends_;
  std::shared_ptr<callable_table> const callables_;
  std::list<intake_batch> batches_;  // those that were not handed out, or not as a whole
  bool ended_ = false;

 private:
  void shut() noexcept;
  bool has_batch(bool all);
  std::size_t feed_front(std::size_t most);
  std::uint32_t feed_tasks(intake_batch::run const& run, std::size_t most);
  void feed_other(intake_batch::run const& run);

  std::exception_ptr why_ended_;
  std::optional<boost::asio::steady_timer> ending_;  // its handler keeps this object until the workers have gone
  task_store::position at_;  // in the first batch, if it was begun
  bool begun_ = false;
  std::size_t runs_fed_ = 0;           // of it, likewise
  std::set<std::uint64_t> cancelled_;  // of items that were not handed out
  std::uint64_t next_ = 0;             // number behind the last item that was
  std::uint64_t items_fed_ = 0;
  std::uint64_t tasks_fed_ = 0;
  std::uint64_t tasks_over_ = 0;
  std::uint64_t bytes_fed_ = 0;  // of arguments
  std::atomic<std::size_t> workers_ = 0;
  dispatcher dispatcher_;
  lane lane_{dispatcher_, *this};
};

}  // namespace procx::inline v1::detail
