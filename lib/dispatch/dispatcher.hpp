#pragma once

#include "dispatch/dispatcher_options.hpp"
#include "dispatch/task_sink.hpp"
#include "dispatch/tasks/delayed_tasks.hpp"
#include "dispatch/tasks/schedule.hpp"
#include "dispatch/tasks/task_store.hpp"
#include "dispatch/worker.hpp"
#include "system/event_loop.hpp"
#include "system/ticker.hpp"

#include <procx/detail/dispatch/callable_table.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procx::inline v1::detail {

/// The one who hands tasks to workers, and makes sure that each comes to exactly one end.
///
/// Tasks are bytes, and so are results; owners have theirs in a `lane` each. Workers come from a `worker_source`, start on
/// demand, and are replaced when they die. Which task goes where is decided by the `schedule`. What one worker has not begun
/// goes to another that has nothing to do. Not thread-safe: everything happens on the loop's executor, and nothing of it blocks
/// but `stop`.
class dispatcher final : private worker_events {
 public:
  using settings = dispatcher_options;
  /// Makes what the workers come from; they tell their events to what it is given.
  using make_source = std::function<std::unique_ptr<worker_source>(worker_events&)>;

  dispatcher(event_loop& loop, settings const& s, std::shared_ptr<callable_table> callables, make_source const& source);
  ~dispatcher() override;

  /// Whether a task may be given away with what it refers to: nobody will want it again. Thread-safe.
  bool runs_once() const noexcept { return settings_.policy.retries == 0 && settings_.save_failures.empty(); }
  /// Makes ready for workers, with the callables that are in the table. May block.
  void prepare() { source_->prepare(); }

  /// Starts workers and hands out tasks; to be called after tasks were committed or cancelled. Calls no function of a
  /// sink: what turns out to be impossible fails in a handler of its own.
  void pump();

  /// Of the arguments of tasks that are not over, with the lengths before them, and in shared memory for them.
  std::size_t task_bytes() const noexcept { return tasks_.bytes(); }
  bool idle() const noexcept {
    return schedule_.pending() + schedule_.in_flight() + delayed_.size() + given_up_.size() == 0;
  }
  std::size_t unassigned() const noexcept { return schedule_.pending(); }
  /// No more tasks will come: what waits does not wait for others.
  void all_tasks_are_here() noexcept { all_are_here_ = true; }
  /// How many workers there may be from now on; those above it end when they are idle.
  void set_limit(std::size_t workers) noexcept { limit_ = workers; }
  std::size_t workers() const noexcept { return schedule_.workers(); }
  /// The same with those that are on their way.
  std::size_t places_taken() const noexcept { return schedule_.workers() + ordered_; }
  /// Those of them that are on their way out.
  std::size_t leaving() const noexcept;
  /// How long the workers have been busy in all, as far as they have said.
  std::chrono::nanoseconds busy_time() const noexcept { return busy_time_; }
  /// Those that have tasks now.
  std::vector<worker_name> busy_workers() const;
  /// Takes in no results for now, or goes on: workers wait once they have too many.
  void hold_results(bool hold);
  enum class cancellation {
    drop,  ///< unless it has begun
    ask,   ///< as `drop`; if it has begun, it sees `stop_requested`
    kill,  ///< as `drop`; if it has begun, its worker is ended
  };
  /// Ends the workers and forgets the tasks. Blocks until they are gone, for `grace` at the most.
  void stop() noexcept;
  /// The same without blocking: `then` when they are gone. Nothing else may be asked of it from now on, but to `stop`.
  void stop(std::function<void()> then) noexcept;
  /// Looks after deadlines, second attempts and workers that stay silent, as it does every 10 ms by itself. `absence`: so long
  /// nobody has looked who should have.
  void tick(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds absence = std::chrono::nanoseconds(0));
  using worker_events::guarded;

 private:
  friend class lane;
  using time_point = std::chrono::steady_clock::time_point;

  /// A worker, and what is noted of it here.
  struct seat {
    std::unique_ptr<worker> who;
    bool retired = false;
    bool recalls = false;         // it has not said yet what it gives back
    std::uint64_t given = 0;      // tasks, those that were taken back not counted
    std::uint64_t served_in = 0;  // the last of `hand_outs_` in which it had its share
    std::uint64_t results = 0;
    std::uint64_t held_until = 0;  // so many results: it has been at a task for long, and what stood behind that was taken back
    std::uint64_t measured_results = 0;
    std::chrono::nanoseconds measured_busy{0};
    std::size_t unmeasured_bytes = 0;  // of results
    std::optional<time_point> idle_since = std::nullopt;

    explicit operator bool() const noexcept { return who != nullptr; }
    bool held() const noexcept { return held_until > results; }
  };
  struct lane_entry {
    task_sink* sink = nullptr;  // null: nobody wants to know any more
    std::size_t unfinished = 0;
    std::size_t remaining = ~std::size_t{0};
    bool has_news = false;
  };
  struct cancelled_task {
    std::uint32_t lane;
    std::uint64_t id;
    cancellation how;
  };
  struct hopeless_tasks {
    task_run tasks;
    std::exception_ptr error;
  };

  // Of workers and their source.
  void on_worker(std::unique_ptr<worker> fresh) override;
  void on_no_worker(std::exception_ptr why, bool again) override;
  void on_answered() override { pump(); }
  void on_results(worker& from, result_batch const& results) override;
  void on_parts(worker& from, std::span<std::byte const> parts) override;
  void on_message(worker& from, std::uint64_t topic, std::span<std::byte const> bytes) override;
  void on_turn_over(worker& from, std::chrono::nanoseconds busy) override;
  void on_recalled(worker& from, std::size_t kept) override;
  void on_end(worker& from, worker_end end) override;
  void on_worn_out(worker& from) override { retire(seats_[from.seat]); }
  void on_broken(std::exception_ptr why) noexcept override;
  task_store const& tasks() const noexcept override { return tasks_; }

  // Of lanes.
  std::uint32_t open_lane(task_sink& sink, double weight, bool serial);
  void close_lane(std::uint32_t number) noexcept;
  bool cancel(std::uint32_t lane, std::uint64_t id, cancellation how);
  std::size_t room(std::uint32_t lane) const;
  bool short_of_tasks(std::uint32_t lane) const;
  bool wants_one(std::uint32_t lane) const;
  lane_entry& news_for(std::uint32_t lane);
  void drop_ownerless() noexcept;
  void tell_progress();

  time_point now() const { return settings_.now ? settings_.now() : std::chrono::steady_clock::now(); }
  time_point after(std::chrono::nanoseconds wait) const;
  std::size_t alive() const noexcept { return schedule_.workers(); }
  std::size_t in_flight(seat const& s) const noexcept { return schedule_.in_flight(s.who->seat); }
  bool is_idle(seat const& s) const noexcept { return s && !s.retired && in_flight(s) == 0; }
  std::size_t idle_workers() const noexcept;

  void start_workers();
  void hand_out();
  bool waits_for_more();
  std::size_t give(seat& s, std::size_t count);
  bool used_up(seat const& s) const noexcept;
  bool wants_work(seat const& s) const noexcept;
  void retire(seat& s) noexcept;
  void retire_outdated();
  void recall_for_the_idle();
  bool recall(seat& s);
  void cancel_again();
  void rest_soon();

  void finish(task_run const& done) noexcept;
  void fail_task(task_run const& task, worker_name const& from, std::exception_ptr error);
  void fail_or_retry(task_run const& task, worker_name const& from, std::exception_ptr error);
  void fail_unstartable(std::exception_ptr error);
  void give_up(task_run const& tasks, std::exception_ptr error);
  void fail_given_up();
  bool try_again(task_run task, schedule::failure how);
  void drop_waiting(std::exception_ptr error, bool saves = false);
  void save_arguments(task_run const& task, std::exception_ptr const& error) const;
  void tell_not_saved(task_run const& task, std::string const& why) const;
  std::exception_ptr own_copy(std::exception_ptr const& error) const;
  std::filesystem::path save(task_run const& task, std::exception_ptr const& error) const;
  std::exception_ptr error_of_end(worker_end& end, task_run const* task) const;

  void settle(std::unique_ptr<worker> dead, bool was_retired, std::uint64_t results, worker_end end);
  void count_death_without_work(bool in_setup);
  bool any_has_worked() const noexcept;
  void tell_bad_ending(worker_name const& who, bool was_to_leave, worker_end& end) noexcept;
  void tell_log(worker_name const& who, std::string_view text) const noexcept;
  std::chrono::nanoseconds time_to_leave() const noexcept;
  void forget_tasks() noexcept;
  void dismiss_workers() noexcept;
  void tick_while_stopping(time_point now);
  void end_stop();
  bool has_workers() const noexcept;

  void arm_tick();
  void arm_ticker();
  bool look_after(seat& s, time_point now, std::chrono::nanoseconds absence);
  void end_if_it_stays(seat& s, time_point now, std::chrono::nanoseconds absence);
  bool must_heed_signals();
  void heed_signals();
  void watch_the_idle();
  void end_the_idle();

  event_loop& loop_;
  settings settings_;
  std::size_t limit_;
  std::shared_ptr<callable_table> callables_;
  schedule schedule_;
  task_store tasks_;
  std::unique_ptr<worker_source> source_;
  std::vector<seat> seats_;
  std::uint64_t hand_outs_ = 0;
  std::size_t ordered_ = 0;   // workers that are on their way
  bool out_of_luck_ = false;  // the last order came to nothing
  std::vector<lane_entry> lanes_;
  std::vector<std::uint32_t> news_;  // the lanes that have some
  delayed_tasks delayed_;
  std::vector<cancelled_task> cancelled_later_;  // once a worker has said whether it has begun them
  std::size_t idle_deaths_ = 0;
  time_point start_after_{};             // if there were any
  std::deque<hopeless_tasks> given_up_;  // no worker can be had for them, or they are not to be begun: to be told soon
  bool rests_soon_ = false;              // likewise
  bool tells_given_up_ = false;          // a handler that does so will run
  int heeded_ = 0;                       // of the signals to stop
  std::optional<time_point> drained_at_;  // once there was one, if that is later
  std::optional<time_point> stopping_since_;
  std::vector<bool> busy_at_stop_;       // by seat
  std::function<void()> stopped_;
  ticker ticker_;
  boost::asio::steady_timer idle_timer_;
  bool idle_watched_ = false;
  bool all_are_here_ = false;
  std::optional<time_point> lingers_since_;
  boost::asio::steady_timer linger_timer_;
  bool holds_results_ = false;
  std::chrono::nanoseconds busy_time_{0};
  std::shared_ptr<dispatcher*> alive_ = std::make_shared<dispatcher*>(this);
};

}  // namespace procx::inline v1::detail
