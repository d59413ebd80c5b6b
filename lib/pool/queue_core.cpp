#include <procx/pool/queue_core.hpp>

#include "dispatch/dispatcher.hpp"
#include "dispatch/slab_sources.hpp"
#include "pool/cancellation.hpp"
#include "pool/pool_thread.hpp"
#include "pool/queue_entrance.hpp"
#include "pool/queue_exit.hpp"
#include "pool/reorder_ring.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t capacity_of_worker = 4096;
constexpr std::chrono::seconds idle_timeout{30};

dispatcher::settings settings_of(parallel_queue_options const& o) {
  dispatcher::settings s;
  s.workers = o.workers.resolve();
  s.frame_limit = o.frame_limit;
  s.capture_stderr = o.capture_stderr;
  s.task_timeout = o.task_timeout;
  s.idle_timeout = idle_timeout;
  s.setup = o.setup;
  s.teardown = o.teardown;
  s.policy.window = o.window;
  s.policy.retries = o.retries;
  return s;
}

queue_entrance::limits limits_of(parallel_queue_options const& o) {
  std::size_t const items = o.capacity ? o.capacity : capacity_of_worker * o.workers.resolve();
  return {items, o.capacity_bytes ? o.capacity_bytes : ~std::size_t{0} / 2};
}

std::shared_ptr<callable_table> table_of(std::shared_ptr<void> callable) {
  auto table = std::make_shared<callable_table>();
  if (callable) table->add(nullptr, std::move(callable));
  return table;
}

/// Keeps what only lasts until the dispatcher's call returns.
std::unique_ptr<held_result> hold(encoded_value const& value) {
  auto held = std::make_unique<held_result>();
  held->bytes = buffer(value.bytes);
  held->block_bytes = value.block_bytes;
  // All that a dispatcher gives beside bytes: copies share the memory.
  if (value.blocks) held->blocks = std::make_unique<received_slabs>(dynamic_cast<received_slabs const&>(*value.blocks));
  return held;
}

}  // namespace

class queue_core::state final : public task_sink, public std::enable_shared_from_this<state> {
 public:
  state(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> const& executor,
        std::shared_ptr<void> callable)
      : limits_(limits_of(options)),
        frame_limit_(options.frame_limit),
        entrance_(limits_, counts_, [this] { wake(); }),
        exit_(counts_),
        thread_(executor),
        dispatcher_(thread_.loop(), settings_of(options), table_of(std::move(callable)), *this) {
    dispatcher_.prepare();  // before there is a thread
  }

  void run() { thread_.start(); }
  bool foreign() const noexcept { return thread_.foreign(); }
  boost::asio::any_io_executor const& executor() const noexcept { return thread_.executor(); }
  void shut() noexcept {
    stop();
    thread_.shut([this] { end(); });
  }
  void abandon() noexcept { thread_.abandon(); }

  // From any thread.

  std::optional<std::uint64_t> put(queue_item const& item, deadline until) {
    check_may_block();
    check_size(item);
    return entrance_.put(item, until);
  }
  std::uint64_t async_put(queue_item const& item, std::unique_ptr<operation> op) {
    thread_.check_ours();
    check_size(item);
    return entrance_.async_put(item, std::move(op));
  }
  got get(taken_result& result, deadline until) {
    check_may_block();
    got const g = exit_.take(result, until);
    if (g == got::result) tell_taken();
    return g;
  }
  got try_get(taken_result& result) {
    thread_.check_ours();
    got const g = exit_.try_take(result);
    if (g == got::result) tell_taken();
    return g;
  }
  std::uint64_t async_get(std::unique_ptr<result_receiver> receiver) {
    thread_.check_ours();
    std::uint64_t const number = exit_.async_take(std::move(receiver));
    tell_taken();
    return number;
  }
  void cancel_put(std::uint64_t number) { entrance_.cancel(number); }
  void cancel_get(std::uint64_t number) { exit_.cancel(number); }

  void cancel(std::uint64_t index, boost::asio::cancellation_type how) {
    thread_.check_ours();
    on_thread([index, how](state& s) { s.cancel_here(index, how); });
  }

  void stop() noexcept {
    if (foreign()) return;
    auto const all = entrance_.stop();
    if (!all) return;
    exit_.end_at(*all);
    on_thread([all](state& s) {
      s.all_ = *all;
      s.go_on();
    });
  }

  bool join(deadline until) {
    check_may_block();
    ++joiners_;
    wake();
    bool const is_over = exit_.wait_until_over(until);
    --joiners_;
    return is_over;
  }
  void when_over(std::function<void()> then) {
    thread_.check_ours();
    ++joiners_;  // and stays
    exit_.when_over(std::move(then));
    wake();
  }

  bool is_alive() const noexcept { return !exit_.is_over(); }
  std::size_t size() const noexcept {
    std::uint64_t const taken = counts_.taken.load();
    return static_cast<std::size_t>(entrance_.admitted() - taken);
  }
  std::size_t workers() const noexcept { return workers_.load(std::memory_order_relaxed); }

  // From the dispatcher.

  void on_value(std::uint64_t index, pid_t, encoded_value const& value) override {
    task_is_over(ring_[index]);
    task_bytes_come_ += value.size();
    finish(ring_[index], value);
  }
  void on_failure(std::uint64_t index, pid_t, std::exception_ptr error) override {
    task_is_over(ring_[index]);
    fail(ring_[index], std::move(error));
  }
  void on_progress() override {
    workers_.store(dispatcher_.workers(), std::memory_order_relaxed);
    feed();
    publish();
    check_over();
  }

 private:
  void check_may_block() const {
    thread_.check_ours();
    if (!thread_.is_private()) throw sequence_error("a parallel queue on your executor cannot block: use its async_ members");
  }
  void check_size(queue_item const& item) const {
    if (item.size() <= frame_limit_) return;
    throw protocol_error("an item of " + std::to_string(item.size()) + " bytes does not fit into a frame, the limit is " +
                             std::to_string(frame_limit_),
                         errc::value_too_large);
  }

  template <class F>
  void on_thread(F f) {
    boost::asio::post(thread_.executor(), [self = weak_from_this(), f = std::move(f)] {
      if (auto const core = self.lock(); core && !core->ended_) f(*core);
    });
  }
  void wake() {
    on_thread([](state& s) { s.go_on(); });
  }

  /// Whoever waits for results to be taken is told.
  void tell_taken() {
    if (counts_.producers_wait_for.load() <= counts_.taken.load()) entrance_.room_made();
    if (counts_.pool_waits.load() && counts_.pool_waits.exchange(false)) wake();
  }

  // On the pool's thread.

  void go_on() {
    on_progress();
    if (over_) return;
    dispatcher_.pump();
    workers_.store(dispatcher_.workers(), std::memory_order_relaxed);
  }

  void task_is_over(reorder_ring::slot const& s) noexcept {
    ++tasks_over_;
    bytes_over_ += s.argument_bytes;
  }
  void finish(reorder_ring::slot& s, encoded_value const& value) {
    bytes_come_ += value.size();
    if (value.blocks || value.bytes.size() > taken_result::most_bytes)
      ring_.finish(s, hold(value));
    else
      ring_.finish(s, value.bytes);
  }
  void fail(reorder_ring::slot& s, std::exception_ptr error) {
    auto held = std::make_unique<held_result>();
    held->error = std::move(error);
    ring_.finish(s, std::move(held));
  }

  /// Hands tasks to the dispatcher: as many as are of use, and as their results may take memory.
  void feed() {
    if (over_) return;
    std::size_t room = dispatcher_.room();
    if (room == 0) return;
    room = std::min(room, allowed());
    while (room > 0 && has_waiting())
      if (feed_one()) --room;
    dispatcher_.expect_remaining(all_ == not_stopped ? ~std::size_t{0} : static_cast<std::size_t>(all_ - ring_.end()));
  }

  /// How many more tasks may be under way, as far as that is a matter of their results' bytes.
  std::size_t allowed() {
    if (all_ != not_stopped && joiners_ > 0) return ~std::size_t{0};  // to come to an end, whoever takes results
    if (std::size_t const n = room_for_results()) return n;
    counts_.pool_waits.store(true);
    std::size_t const n = room_for_results();  // if any were taken in between, nobody would say so
    if (n) counts_.pool_waits.store(false);
    return n;
  }
  std::size_t room_for_results() const noexcept {
    if (average_ < 1) return ~std::size_t{0};
    std::uint64_t const kept = counts_.result_bytes_kept() + (bytes_come_ - counts_.result_bytes_come.load());
    std::size_t const under_way = tasks_fed_ - tasks_over_;
    std::uint64_t const arguments = std::min<std::uint64_t>(bytes_fed_ - bytes_over_, limits_.bytes);
    std::uint64_t const bound = std::max<std::uint64_t>(limits_.bytes / 2, limits_.bytes - arguments);
    double const fit = kept < bound ? static_cast<double>(bound - kept) / average_ : 0;
    std::size_t const all = std::max<std::size_t>(kept == 0, static_cast<std::size_t>(std::min(fit, 1e9)));  // one alone
    return all - std::min(all, under_way);
  }

  bool has_waiting() {
    for (;;) {
      while (batches_.size() > 1 && batches_.front().empty()) batches_.pop_front();
      if (!batches_.empty() && !batches_.front().empty()) return true;
      // Else it is early enough to look again when results have come.
      if (!entrance_.take(batches_, dispatcher_.short_of_tasks())) return false;
    }
  }

  /// Whether the next item went to the dispatcher.
  bool feed_one() {
    queue_item item = batches_.front().take();
    std::uint64_t const index = ring_.end();
    reorder_ring::slot& s = ring_.add();
    s.argument_bytes = item.size();
    bytes_fed_ += s.argument_bytes;
    if (!cancelled_.empty() && cancelled_.erase(index)) {
      bytes_over_ += s.argument_bytes;
      fail(s, std::make_exception_ptr(task_cancelled()));
      return false;
    }
    if (item.passed) {
      bytes_over_ += s.argument_bytes;
      finish(s, item.bytes);
      return false;
    }
    ++tasks_fed_;
    try {
      if (item.slabs.empty()) {
        dispatcher_.begin_task(index, item.callable).save_binary(item.bytes.data(), item.bytes.size());
        s.place = dispatcher_.commit_task();
      } else {
        s.place = dispatcher_.add_task(index, {item.callable, buffer(item.bytes), std::move(item.slabs), item.slab_bytes});
      }
      return true;
    } catch (protocol_error const&) {  // too large by a few bytes
      on_failure(index, 0, std::current_exception());
      return false;
    }
  }

  void publish() {
    measure();
    std::uint64_t const over_before = counts_.argument_bytes_over.load(std::memory_order_relaxed);
    counts_.result_bytes_come.store(bytes_come_);
    counts_.argument_bytes_over.store(bytes_over_);
    bool const bytes_gone = bytes_over_ != over_before;
    if (ring_.front_finished() && exit_.publish(ring_)) tell_taken();
    if (bytes_gone && counts_.producers_wait_for_bytes.load()) entrance_.room_made();
  }

  /// What a result takes: a moving average.
  void measure() noexcept {
    std::uint64_t const results = tasks_over_ - measured_results_;
    if (results == 0) return;
    double const each = static_cast<double>(task_bytes_come_ - measured_bytes_) / static_cast<double>(results);
    average_ = measured_results_ == 0 ? each : average_ + (each - average_) / 4;
    measured_results_ = tasks_over_;
    measured_bytes_ = task_bytes_come_;
  }

  void cancel_here(std::uint64_t index, boost::asio::cancellation_type how) {
    if (index < ring_.first() || index >= entrance_.admitted()) return;
    if (index >= ring_.end())
      cancelled_.insert(index);
    else if (!ring_[index].finished())
      dispatcher_.cancel(ring_[index].place, index, how_to(how));
    go_on();
  }

  /// Not from within the dispatcher, whose caller would go on with what has gone.
  void check_over() {
    if (all_ == not_stopped || ring_.end() < all_ || tasks_over_ < tasks_fed_ || std::exchange(over_, true)) return;
    on_thread([](state& s) {
      s.dispatcher_.stop();
      s.workers_.store(0, std::memory_order_relaxed);
      s.exit_.over();
    });
  }

  /// Nothing runs any more after this.
  void end() noexcept {
    if (std::exchange(ended_, true)) return;
    dispatcher_.stop();
    workers_.store(0, std::memory_order_relaxed);
    exit_.fail_waiting(std::make_exception_ptr(task_cancelled("the queue has gone")));
    exit_.over();
    thread_.let_go();
  }

  static constexpr std::uint64_t not_stopped = ~std::uint64_t{0};

  // What different threads write for every item lies on cache lines of its own.
  queue_entrance::limits const limits_;
  std::size_t const frame_limit_;
  queue_counts counts_;
  alignas(cache_line) queue_entrance entrance_;
  alignas(cache_line) reorder_ring ring_;  // outlives what has left it
  alignas(cache_line) queue_exit exit_;
  alignas(cache_line) std::atomic<std::size_t> joiners_ = 0;
  std::atomic<std::size_t> workers_ = 0;

  // Of the pool's thread alone:
  alignas(cache_line) std::deque<queue_batch> batches_;  // those that were not handed to the dispatcher
  std::set<std::uint64_t> cancelled_;  // of those
  std::uint64_t tasks_fed_ = 0;
  std::uint64_t tasks_over_ = 0;
  std::uint64_t bytes_fed_ = 0;
  std::uint64_t bytes_over_ = 0;
  std::uint64_t bytes_come_ = 0;
  std::uint64_t task_bytes_come_ = 0;  // those of them that nobody has passed
  std::uint64_t measured_results_ = 0;
  std::uint64_t measured_bytes_ = 0;
  double average_ = 0;
  std::uint64_t all_ = not_stopped;
  bool over_ = false;
  bool ended_ = false;

  pool_thread thread_;
  dispatcher dispatcher_;
};

queue_core::queue_core(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
                       std::shared_ptr<void> callable)
    : state_(std::make_shared<state>(options, executor, std::move(callable))) {
  state_->run();
}

queue_core::~queue_core() {
  if (!state_->foreign()) {
    state_->shut();
  } else {  // a copy in a forked child: stays untouched
    state_->abandon();
    static_cast<void>(new std::shared_ptr<state>(std::move(state_)));
  }
}

std::optional<std::uint64_t> queue_core::put(queue_item const& item, deadline until) { return state_->put(item, until); }
std::uint64_t queue_core::async_put(queue_item const& item, std::unique_ptr<operation> op) {
  return state_->async_put(item, std::move(op));
}
queue_core::got queue_core::get(taken_result& result, deadline until) { return state_->get(result, until); }
queue_core::got queue_core::try_get(taken_result& result) { return state_->try_get(result); }
std::uint64_t queue_core::async_get(std::unique_ptr<result_receiver> receiver) {
  return state_->async_get(std::move(receiver));
}

void queue_core::cancel_put(std::weak_ptr<void> const& queue, std::uint64_t number) {
  if (auto const core = std::static_pointer_cast<state>(queue.lock())) core->cancel_put(number);
}
void queue_core::cancel_get(std::weak_ptr<void> const& queue, std::uint64_t number) {
  if (auto const core = std::static_pointer_cast<state>(queue.lock())) core->cancel_get(number);
}
std::weak_ptr<void> queue_core::weak() const noexcept { return state_; }

void queue_core::cancel(std::uint64_t index, boost::asio::cancellation_type how) { state_->cancel(index, how); }
void queue_core::stop() noexcept { state_->stop(); }
bool queue_core::join(deadline until) { return state_->join(until); }
void queue_core::when_over(std::function<void()> then) { state_->when_over(std::move(then)); }
bool queue_core::is_alive() const noexcept { return state_->is_alive(); }
std::size_t queue_core::size() const noexcept { return state_->size(); }
std::size_t queue_core::workers() const noexcept { return state_->workers(); }
boost::asio::any_io_executor const& queue_core::executor() const noexcept { return state_->executor(); }

}  // namespace procx::inline v1::detail
