#include <procx/detail/pool/pool_core.hpp>

#include "pool/completions.hpp"
#include "local/runner_settings.hpp"
#include "pool/front.hpp"
#include "pool/posted_failures.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/detail/system/from_now.hpp>

#include <atomic>
#include <mutex>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {
namespace {

front::settings settings_for_front(pool_options const& o) {
  constexpr std::size_t no_limit = ~std::size_t{0} / 2;
  return {.work = settings_of(o),
          .limits = {o.capacity ? o.capacity : no_limit, o.capacity_bytes ? o.capacity_bytes : no_limit},
          .operations = intake::operations::end_with_outcome};
}

}  // namespace

class pool_core::state final : public front {
 public:
  state(pool_options const& options, std::optional<boost::asio::any_io_executor> const& executor)
      : front(settings_for_front(options), executor, std::make_shared<callable_table>()),
        has_teardown_(options.teardown != nullptr),
        posted_failures_(options.log) {}

  // From any thread.

  task_id submit(intake_item const& task, std::unique_ptr<operation>&& op, bool may_wait) {
    context_.check_ours();
    if (task.size() > frame_limit_) [[unlikely]] throw_too_large("a task", task.size(), frame_limit_);
    bool const waits = may_wait && context_.is_private() && !context_.is_this();
    if (op) return intake_.submit(task, std::move(op), waits) + 1;
    ++posted_;
    try {
      return intake_.submit(task, nullptr, waits) + 1;
    } catch (...) {
      --posted_;
      throw;
    }
  }

  std::uint32_t add(std::shared_ptr<void> callable) {
    context_.check_ours();
    std::lock_guard const lock(added_mutex_);
    added_.push_back(std::move(callable));
    return places_++;
  }

  void cancel(task_id id, boost::asio::cancellation_type how) {
    on_loop<state>([number = id - 1, how](state& s) {
      if (auto op = s.intake_.withdraw(number)) {
        s.complete(std::move(*op), {std::make_exception_ptr(task_cancelled()), {}});
      } else {
        s.feed_all();
        s.cancel_task(number, how);
      }
      s.on_progress();
    });
  }

  bool drain(std::optional<std::chrono::nanoseconds> timeout) {
    context_.check_ours();
    if (!context_.is_private()) throw sequence_error("a pool on your executor cannot block: use async_drain");
    context_.check_may_wait();
    if (!ends_.wait([this] { return is_drained(); }, timeout ? from_now(*timeout) : wait_forever)) return false;
    if (auto const error = posted_failures_.take_first()) std::rethrow_exception(error);
    if (auto const error = ends_.take_bad_ending()) std::rethrow_exception(error);
    return true;
  }

  void when_drained(ending_handler then) {
    if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no tasks
    context_.post([weak = weak_from_this(), then = std::move(then)]() mutable {
      auto const self = std::static_pointer_cast<state>(weak.lock());
      if (!self) return static_cast<void>(then(nullptr));
      if (self->gone_) return self->tell_end(then);
      bool kept = false;
      self->guarded([&] {
        kept = self->ends_.keep_unless([] { return false; }, then);
        if (!self->ended_) self->on_progress();  // else the end of the workers tells
      });
      if (!kept) self->tell_end(then);
    });
  }

  void stop() noexcept {
    if (foreign() || stopped_) return;
    refuse();
    context_.post([weak = weak_from_this()] {
      if (auto const self = std::static_pointer_cast<state>(weak.lock())) self->end();
    });
  }

  bool stopped() const noexcept { return stopped_; }
  std::size_t size() const noexcept {
    std::uint64_t const over = counts_.taken.load();  // first: what is submitted meanwhile makes it more, never less
    return static_cast<std::size_t>(intake_.submitted() - over);
  }

  // From the dispatcher.

  void on_value(std::uint64_t number, worker_name const&, encoded_value const& value) override {
    count_over(1);
    complete(completions_.take(number), {nullptr, value});
  }
  void on_values(std::uint64_t first, worker_name const&, value_series const& values) override {
    count_over(values.count);
    for (std::size_t i = 0; i < values.count; ++i) complete(completions_.take(first + i), {nullptr, values.payload(i)});
  }
  void on_failure(std::uint64_t number, worker_name const&, std::exception_ptr error) override {
    note_posted(number, completions_.is_posted(number), error);
    count_over(1);
    complete(completions_.take(number), {std::move(error), {}});
  }
  void on_progress() override {
    feed(~std::size_t{0});
    pump();
    publish();
  }

 private:
  // From the front.

  void refuse() noexcept override {
    stopped_ = true;
    intake_.stop(false);
  }
  /// On the user's executor nothing may wait.
  void on_shut() noexcept override {
    if (!context_.is_private() || context_.is_this()) return;
    ends_.wait([this] { return posted_ == 0 || stopped_; }, wait_forever);
  }
  /// Callables that the tasks refer to were added before.
  void on_batch(intake_batch& batch) override {
    {
      std::lock_guard const lock(added_mutex_);
      for (auto& callable : added_) callables_->add(nullptr, std::move(callable));
      added_.clear();
    }
    if (batch.runs.empty()) return;
    intake_batch::run const& last = batch.runs.back();
    completions_.reserve(batch.runs.front().first, last.first + last.count);
    for_each_run(batch, [this](std::uint64_t first, auto operations) { completions_.add(first, operations); });
    batch.operations.clear();
  }

  /// Tasks are over. A thread that has got an outcome finds the task no more among those that are not over.
  void count_over(std::size_t tasks) noexcept {
    front::count_over(tasks);
    counts_.taken.store(counts_.taken.load(std::memory_order_relaxed) + tasks);
  }
  void complete(std::unique_ptr<operation> op, raw_result result) {
    ++completed_;
    if (!op) {
      ++posted_over_;
      return;
    }
    try {
      op->complete(std::move(result));
    } catch (std::bad_alloc const&) {
      // Its handler cannot be posted. That is no reason why others should not be told what has become of their tasks.
    }
  }
  /// Before the task is over.
  void note_posted(std::uint64_t number, bool posted, std::exception_ptr const& error) noexcept {
    if (posted) posted_failures_.add(number, error);
  }

  /// Threads and handlers that wait for the end of tasks are told once for many of them.
  void publish() {
    std::size_t const completed = std::exchange(completed_, 0);
    if (completed > 0) {
      posted_failures_.tell_cancelled();
      posted_ -= std::exchange(posted_over_, 0);
      publish_room();
    }
    if (has_teardown_) leaving_ = leaving_workers();
    if (completed > 0 || has_teardown_) ends_.tell_threads();
    tell_handlers();
  }
  void tell_handlers() {
    if (!ends_.has_handlers() || !is_drained()) return;
    for (auto const& then : ends_.take_handlers()) tell_end(then);
  }
  /// Workers whose tasks are over may have something to commit in their teardown.
  bool is_drained() const noexcept { return size() == 0 && leaving_ == 0 && stopped_ == gone_; }

  void tell_end(ending_handler const& then) { ends_.tell(then, posted_failures_.take_first()); }

  static std::exception_ptr was_stopped() noexcept try {
    return std::make_exception_ptr(task_cancelled("the pool was stopped"));
  } catch (...) {
    return std::current_exception();
  }

  /// What was not over is cancelled, or fails with this.
  void on_end(std::exception_ptr why) noexcept override {
    if (!why) why = was_stopped();
    auto const fail = [&](std::uint64_t number, std::unique_ptr<operation> op) {
      note_posted(number, !op, why);
      complete(std::move(op), {why, {}});
    };
    while (intake_.take(batches_, true)) {}
    while (auto one = intake_.withdraw_first()) fail(one->first, std::move(one->second));
    counts_.taken.store(intake_.admitted());
    while (auto one = completions_.take_any()) fail(one->first, std::move(one->second));
    for (; !batches_.empty(); batches_.pop_front())
      for_each_run(batches_.front(), [&](std::uint64_t number, auto operations) {
        for (auto& op : operations) fail(number++, std::move(op));
      });
    leaving_ = 0;
    gone_ = true;
    ends_.tell_threads();
    guarded([this] { publish(); });
  }

  /// Calls it with the operations of each run, unless they have gone, and the number of the first.
  template <class F>
  static void for_each_run(intake_batch& batch, F f) {
    std::span operations(batch.operations);
    for (intake_batch::run const& run : batch.runs) {
      if (operations.empty()) return;
      f(run.first, operations.first(run.count));
      operations = operations.subspan(run.count);
    }
  }

  bool const has_teardown_;
  posted_failures posted_failures_;
  completions completions_;
  std::size_t completed_ = 0;    // since `publish`
  std::size_t posted_over_ = 0;  // of those

  // Read and written by any thread.
  std::atomic<std::size_t> posted_ = 0;  // tasks, that are not over
  std::atomic<std::size_t> leaving_ = 0;  // workers, if they have a teardown
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> gone_ = false;  // the workers, after that
  std::mutex added_mutex_;          // guards what follows
  std::vector<std::shared_ptr<void>> added_;
  std::uint32_t places_ = 0;
};

pool_core::pool_core(pool_options const& options, std::optional<boost::asio::any_io_executor> executor)
    : state_(std::make_shared<state>(options, executor)) {
  state_->start();
}

pool_core::~pool_core() { front::leave(std::move(state_)); }

pool_core::task_id pool_core::submit(intake_item const& task, std::unique_ptr<operation>&& op, bool may_wait) {
  return state_->submit(task, std::move(op), may_wait);
}
bool pool_core::runs_once() const noexcept { return state_->runs_once(); }
std::uint32_t pool_core::add(std::shared_ptr<void> callable) { return state_->add(std::move(callable)); }

void pool_core::cancel(task_id id, boost::asio::cancellation_type how) { state_->cancel(id, how); }
void pool_core::cancel(std::weak_ptr<void> const& pool, task_id id, boost::asio::cancellation_type how) {
  if (auto const core = std::static_pointer_cast<state>(pool.lock())) core->cancel(id, how);
}
std::weak_ptr<void> pool_core::weak() const noexcept { return state_; }

bool pool_core::drain(std::optional<std::chrono::nanoseconds> timeout) { return state_->drain(timeout); }
void pool_core::when_drained(ending_handler then) { state_->when_drained(std::move(then)); }
void pool_core::stop() noexcept { state_->stop(); }
bool pool_core::stopped() const noexcept { return state_->stopped(); }
std::size_t pool_core::size() const noexcept { return state_->size(); }
std::size_t pool_core::workers() const noexcept { return state_->workers(); }
handler_home& pool_core::home() const noexcept { return state_->home(); }

}  // namespace procx::inline v1::detail
