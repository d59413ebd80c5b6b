#include <procx/detail/pool/pool_core.hpp>

#include "dispatch/lane.hpp"
#include "pool/cancellation.hpp"
#include "pool/runner_settings.hpp"
#include "pool/pool_thread.hpp"
#include "pool/posted_failures.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/detail/system/from_now.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

class pool_core::state final : public task_sink, public std::enable_shared_from_this<state> {
 public:
  state(pool_options const& options, std::optional<boost::asio::any_io_executor> const& executor)
      : options_(options),
        thread_(executor),
        posted_failures_(options.log),
        settings_(settings_of(options)),
        dispatcher_(thread_.loop(), settings_.dispatch, callables_, settings_.source(thread_.loop(), callables_)) {
    dispatcher_.prepare();  // before there is a thread
  }

  void run() { thread_.start(); }

  bool foreign() const noexcept { return thread_.foreign(); }
  bool runs_once() const noexcept { return dispatcher_.runs_once(); }
  boost::asio::any_io_executor executor() const { return thread_.executor_for_handlers(); }

  /// The end of everything, by the owner. On the user's executor nothing of it may run at the same time.
  void shut() noexcept {
    wait_for_posted();
    stop();
    thread_.shut([this] { end(); }, shared_from_this());
  }
  void abandon() noexcept { thread_.abandon(); }

  // From any thread.

  task_id submit(packed_task task, std::unique_ptr<operation>&& op, bool may_wait) {
    thread_.check_ours();
    std::size_t const size = task.size();
    if (size > options_.frame_limit) throw_too_large("a task", size, options_.frame_limit);
    std::unique_lock lock(mutex_);
    if (may_wait && thread_.is_private() && !thread_.is_this())
      has_room_.wait(lock, [&] { return stopped_ || has_room_for(size); });
    if (stopped_) throw queue_stopped();
    inbox_.push_back({0, std::move(task)});
    task_id id = 0;
    try {
      inbox_.back().id = id = new_entry(std::move(op), size);
    } catch (...) {
      inbox_.pop_back();
      throw;
    }
    ++unfinished_;
    unfinished_bytes_ += size;
    wake(lock);
    return id;
  }

  std::uint32_t add(std::shared_ptr<void> callable) {
    thread_.check_ours();
    std::unique_lock lock(mutex_);
    added_.push_back(std::move(callable));
    return places_++;
  }

  void cancel(task_id id, boost::asio::cancellation_type how) {
    on_thread([id, how](state& s) {
      s.take_in();
      s.lane_.cancel(id, how_to(how));
      s.on_progress();
    });
  }

  bool drain(std::optional<std::chrono::nanoseconds> timeout) {
    thread_.check_ours();
    if (!thread_.is_private()) throw sequence_error("a pool on your executor cannot block: use async_drain");
    thread_.check_may_wait();
    std::unique_lock lock(mutex_);
    auto const over = [this] { return is_drained(); };
    if (!timeout)
      drained_.wait(lock, over);
    else if (!drained_.wait_until(lock, from_now(*timeout), over))
      return false;
    if (auto const error = posted_failures_.take_first()) std::rethrow_exception(error);
    if (auto const error = std::exchange(bad_ending_, nullptr)) std::rethrow_exception(error);
    return true;
  }

  void when_drained(ending_handler then) {
    if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no tasks
    thread_.post([self = weak_from_this(), then = std::move(then)] {
      auto const core = self.lock();
      if (!core) return static_cast<void>(then(nullptr));
      if (core->ended_) return core->tell_end(then);
      bool noted = false;
      core->dispatcher_.guarded([&] {
        core->to_tell_.push_back(then);
        noted = true;
        core->on_progress();
      });
      if (!noted) core->tell_end(then);
    });
  }

  void stop() noexcept {
    if (foreign()) return;
    {
      std::lock_guard const lock(mutex_);
      if (std::exchange(stopped_, true)) return;
    }
    has_room_.notify_all();
    thread_.post([self = weak_from_this()] {
      if (auto const core = self.lock()) core->end();
    });
  }

  bool stopped() const noexcept {
    std::lock_guard const lock(mutex_);
    return stopped_;
  }
  std::size_t size() const noexcept {
    std::lock_guard const lock(mutex_);
    return unfinished_;
  }
  std::size_t workers() const noexcept { return workers_.load(std::memory_order_relaxed); }

  // From the dispatcher.

  std::uint64_t number_of(std::uint64_t id) const override { return (id >> 32) - 1; }
  void on_value(std::uint64_t id, worker_name const&, encoded_value const& value) override { complete(id, {nullptr, value}); }
  void on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) override { complete(id, {std::move(error), {}}); }
  void on_bad_ending(std::exception_ptr error) noexcept override {
    std::lock_guard const lock(mutex_);
    if (!bad_ending_) bad_ending_ = std::move(error);
  }
  void on_progress() override {
    take_in();
    dispatcher_.pump();
    workers_.store(dispatcher_.workers(), std::memory_order_relaxed);
    flush_completions();
    tell_drained();
  }
  void on_broken(std::exception_ptr why) noexcept override {
    {
      std::lock_guard const lock(mutex_);
      stopped_ = true;
    }
    has_room_.notify_all();
    end(std::move(why));
  }

 private:
  struct entry {
    task_id id = 0;  // 0: of no task
    std::unique_ptr<operation> op = nullptr;  // null: it was posted
    std::size_t bytes = 0;
  };
  struct submission {
    task_id id;
    packed_task task;
  };

  static std::size_t index_of(task_id id) noexcept { return id & 0xffff'ffff; }

  bool has_room_for(std::size_t bytes) const noexcept {
    if (unfinished_ == 0) return true;
    return (options_.capacity == 0 || unfinished_ < options_.capacity) &&
           (options_.capacity_bytes == 0 || unfinished_bytes_ + bytes <= options_.capacity_bytes);
  }

  task_id new_entry(std::unique_ptr<operation>&& op, std::size_t bytes) {
    if (free_.empty()) {
      free_.reserve(std::max<std::size_t>(entries_.capacity(), entries_.size() + 1));  // `complete` must not throw
      entries_.emplace_back();
      free_.push_back(entries_.size() - 1);
    }
    std::size_t const index = free_.back();
    free_.pop_back();
    task_id const id = ++serial_ << 32 | index;
    if (!op) ++posted_;
    entries_[index] = {id, std::move(op), bytes};
    return id;
  }

  void wake(std::unique_lock<std::mutex>& lock) {
    if (std::exchange(awake_, true)) return;
    lock.unlock();
    on_thread([](state& s) {
      if (s.is_awaited()) s.on_progress();
    });
  }

  template <class F>
  void on_thread(F f) {
    thread_.post([self = weak_from_this(), f] {
      auto const core = self.lock();
      if (core && !core->ended_) core->dispatcher_.guarded([&] { f(*core); });
    });
  }
  /// Whether nobody has looked into the box since it was filled.
  bool is_awaited() const {
    std::lock_guard const lock(mutex_);
    return awake_;
  }

  /// What has been submitted meanwhile goes to the dispatcher, whose `pump` is to come: nobody else will wake this thread.
  void take_in() {
    {
      std::lock_guard const lock(mutex_);
      awake_ = false;
      inbox_.swap(taken_);
      for (auto& callable : added_) callables_->add(nullptr, std::move(callable));
      added_.clear();
    }
    for (submission& s : taken_) add_task(s);
    taken_.clear();
  }

  void add_task(submission& s) {
    try {
      lane_.add_task(s.id, std::move(s.task));
    } catch (std::bad_alloc const&) {  // it may be large
      lane_.abandon_task();
      complete(s.id, {std::current_exception(), {}});
    }
  }

  void complete(task_id id, raw_result result) {
    if (result.error && is_posted(id)) posted_failures_.add(number_of(id), result.error);  // before it is over
    std::unique_ptr<operation> op;
    {
      std::lock_guard const lock(mutex_);
      entry& e = entries_[index_of(id)];
      op = std::move(e.op);
      if (!op) --posted_;
      --unfinished_;
      unfinished_bytes_ -= e.bytes;
      e.id = 0;
      free_.push_back(index_of(id));
    }
    ++completed_;
    try {
      if (op) op->complete(std::move(result));
    } catch (std::bad_alloc const&) {
      // Its handler cannot be posted. That is no reason why others should not be told what has become of their tasks.
    }
  }
  bool is_posted(task_id id) const noexcept {
    std::lock_guard const lock(mutex_);
    return !entries_[index_of(id)].op;
  }

  /// By the owner. On the user's executor nothing may wait.
  void wait_for_posted() noexcept {
    if (!thread_.is_private() || thread_.is_this()) return;
    std::unique_lock lock(mutex_);
    waits_for_posted_ = true;
    drained_.wait(lock, [this] { return posted_ == 0 || stopped_; });
  }

  /// Those who wait for room or for the end are told once for many completions.
  void flush_completions() {
    bool const any = std::exchange(completed_, 0) > 0;
    if (any) {
      posted_failures_.tell_cancelled();
      has_room_.notify_all();
    }
    if (!any && !options_.teardown) return;
    std::lock_guard const lock(mutex_);
    if (options_.teardown) leaving_ = dispatcher_.leaving();
    if (is_drained() || (waits_for_posted_ && posted_ == 0)) drained_.notify_all();
  }

  /// Workers whose tasks are over may have something to commit in their teardown. Under the lock.
  bool is_drained() const noexcept { return unfinished_ == 0 && leaving_ == 0 && stopped_ == gone_; }

  void tell_drained() {
    if (to_tell_.empty()) return;
    {
      std::lock_guard const lock(mutex_);
      if (!is_drained()) return;
    }
    for (auto& then : std::exchange(to_tell_, {})) tell_end(then);
  }
  void tell_end(ending_handler const& then) {
    std::exception_ptr error = posted_failures_.take_first();
    if (!error) error = take_bad_ending();
    if (!then(error) && error) on_bad_ending(std::move(error));
  }
  std::exception_ptr take_bad_ending() noexcept {
    std::lock_guard const lock(mutex_);
    return std::exchange(bad_ending_, nullptr);
  }

  static std::exception_ptr was_stopped() noexcept try {
    return std::make_exception_ptr(task_cancelled("the pool was stopped"));
  } catch (...) {
    return std::current_exception();
  }

  /// Nothing runs any more after this; what was not over is cancelled, or fails with this.
  void end(std::exception_ptr const& why = nullptr) noexcept {
    if (std::exchange(ended_, true)) return;
    dispatcher_.stop();
    workers_.store(0, std::memory_order_relaxed);
    auto const error = why ? why : was_stopped();
    for (std::size_t i = 0;; ++i) {
      task_id id = 0;
      {
        std::lock_guard const lock(mutex_);
        if (i == entries_.size()) break;
        id = entries_[i].id;
        if (id == 0) continue;
      }
      complete(id, {error, {}});
    }
    {
      std::lock_guard const lock(mutex_);
      inbox_.clear();
      leaving_ = 0;
      gone_ = true;
      drained_.notify_all();
    }
    taken_.clear();
    flush_completions();
    dispatcher_.guarded([this] { tell_drained(); });
  }

  pool_options options_;
  pool_thread thread_;
  std::shared_ptr<callable_table> callables_ = std::make_shared<callable_table>();
  posted_failures posted_failures_;
  runner_settings settings_;
  dispatcher dispatcher_;
  lane lane_{dispatcher_, *this};
  std::vector<submission> taken_;
  std::vector<ending_handler> to_tell_;
  std::size_t completed_ = 0;
  std::atomic<std::size_t> workers_ = 0;
  bool ended_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable has_room_;
  std::condition_variable drained_;
  std::vector<entry> entries_;
  std::vector<std::size_t> free_;
  std::vector<submission> inbox_;
  std::vector<std::shared_ptr<void>> added_;
  std::uint32_t places_ = 0;
  std::uint64_t serial_ = 0;
  std::size_t unfinished_ = 0;
  std::size_t posted_ = 0;  // of those
  bool waits_for_posted_ = false;
  std::size_t unfinished_bytes_ = 0;
  std::size_t leaving_ = 0;  // workers, if they have a teardown
  std::exception_ptr bad_ending_;  // the first that nobody was told of
  bool awake_ = false;  // somebody will look into the box
  bool stopped_ = false;
  bool gone_ = false;  // the workers, after that
};

pool_core::pool_core(pool_options const& options, std::optional<boost::asio::any_io_executor> executor)
    : state_(std::make_shared<state>(options, executor)) {
  state_->run();
}

pool_core::~pool_core() {
  if (!state_->foreign()) {
    state_->shut();
  } else {  // a copy in a forked child: stays untouched
    state_->abandon();
    static_cast<void>(new std::shared_ptr<state>(std::move(state_)));
  }
}

pool_core::task_id pool_core::submit(packed_task task, std::unique_ptr<operation>&& op, bool may_wait) {
  return state_->submit(std::move(task), std::move(op), may_wait);
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
boost::asio::any_io_executor pool_core::executor() const { return state_->executor(); }

}  // namespace procx::inline v1::detail
