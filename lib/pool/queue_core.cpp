#include <procx/detail/pool/queue_core.hpp>

#include "pool/front.hpp"
#include "pool/ordered_results.hpp"
#include "pool/result_allowance.hpp"
#include "local/runner_settings.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t capacity_of_worker = 32768;

// On one worker. More than elsewhere: five threads and processes take turns, and each turn should be worth its switch.
constexpr std::uint32_t tasks_ahead = 8192;

front::settings settings_for_front(parallel_queue_options const& o) {
  front::settings s{.work = settings_of(o), .limits = {}, .operations = intake::operations::end_with_admission};
  s.work.dispatch.idle_timeout = std::chrono::seconds(30);
  s.work.dispatch.policy.most = tasks_ahead;
  s.limits.items = o.capacity ? o.capacity : capacity_of_worker * s.work.dispatch.workers;
  s.limits.bytes = o.capacity_bytes ? o.capacity_bytes : ~std::size_t{0} / 2;
  return s;
}

}  // namespace

/// Hands items to the dispatcher as workers have room for them and their results may take memory, and puts results into order.
class queue_core::state final : public front {
 public:
  state(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> const& executor,
        std::shared_ptr<void> callable)
      : front(settings_for_front(options), executor, table_of(nullptr, std::move(callable))),
        bytes_limit_(settings_for_front(options).limits.bytes),
        results_(counts_, [this] { tell_taken(); },
                 [this] { on_loop<state>([](state& s) { s.results_.wake_blocked(); }); }) {}

  // From any thread.

  intake_fast_path& fast_intake() noexcept { return intake_.fast_path(); }
  results_fast_path& fast_results() noexcept { return results_.fast_path(); }

  std::uint64_t put(intake_item const& item, deadline until) {
    check_may_block();
    check_size(item);
    return intake_.put(item, until);
  }
  std::uint64_t async_put(intake_item const& item, std::unique_ptr<operation>&& op) {
    context_.check_ours();
    check_size(item);
    return intake_.async_put(item, std::move(op));
  }
  got get(taken_result& result, deadline until) {
    check_may_block();
    got const g = results_.take(result, until);
    if (g == got::result) tell_taken();
    return g;
  }
  got try_get(taken_result& result) {
    context_.check_ours();
    got const g = results_.try_take(result);
    if (g == got::result) tell_taken();
    return g;
  }
  std::uint64_t async_get(std::unique_ptr<result_receiver>&& receiver) {
    context_.check_ours();
    return results_.async_take(std::move(receiver));
  }
  /// Tells threads that wait for results to be taken.
  void tell_taken() {
    if (counts_.producers_wait_for.load() <= counts_.taken.load()) intake_.room_made();
    if (counts_.loop_waits.load() && counts_.loop_waits.exchange(false)) wake();
  }
  void cancel_put(std::uint64_t number) { intake_.cancel(number); }
  void cancel_get(std::uint64_t number) { results_.cancel(number); }

  void cancel(std::uint64_t index, boost::asio::cancellation_type how) {
    context_.check_ours();
    on_loop<state>([index, how](state& s) {
      if (index < s.results_.order().first() || index >= s.intake_.admitted()) return;
      s.cancel_task(index, how);
      s.on_progress();
    });
  }

  void stop() noexcept { stop(false); }
  void leave() noexcept { stop(true); }
  bool left() const noexcept { return intake_.left(); }
  std::uint64_t take_refused() noexcept { return intake_.take_refused(); }
  void begin_loop() noexcept { ++loops_; }
  void end_loop(bool left) noexcept {
    if (--loops_ == 0 && left) leave();
  }
  bool join(deadline until) {
    check_may_block();
    ++counts_.joiners;
    wake();
    bool const is_over = ends_.wait([this] { return !is_alive(); }, until);
    --counts_.joiners;
    if (is_over)
      if (auto const error = ends_.take_bad_ending()) std::rethrow_exception(error);
    return is_over;
  }
  void when_over(ending_handler then) {
    if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no tasks, nor workers
    ++counts_.joiners;  // and stays
    if (!ends_.keep_unless([this] { return !is_alive(); }, then)) ends_.tell(then);
    wake();
  }

  /// Returns false once all tasks are over and the workers have gone.
  bool is_alive() const noexcept { return !told_over_; }
  std::size_t size() const noexcept {
    std::uint64_t const taken = counts_.taken.load();
    return static_cast<std::size_t>(intake_.admitted() - taken);
  }

  // From the dispatcher.

  void on_value(std::uint64_t index, worker_name const&, encoded_value const& value) override {
    count_over(1);
    allowance_.count(1, value.size());
    finish(index, value);
  }
  void on_values(std::uint64_t first, worker_name const& worker, value_series const& values) override {
    if (values.length > taken_result::most_bytes) return task_sink::on_values(first, worker, values);
    std::size_t const bytes = values.count * values.length;
    count_over(values.count);
    allowance_.count(values.count, bytes);
    bytes_come_ += bytes;
    results_.order().add_series(first, values);
  }
  void on_failure(std::uint64_t index, worker_name const&, std::exception_ptr error) override {
    count_over(1);
    fail(index, std::move(error));
  }
  void on_progress() override {
    note_workers();
    allowance_.measure();  // first: what is handed out depends on it
    feed_allowed();
    publish();
    check_over();
    if (!over_) pump();
  }

 private:
  static constexpr std::uint64_t not_stopped = ~std::uint64_t{0};

  void check_may_block() const {
    context_.check_ours();
    if (!context_.is_private()) [[unlikely]] refuse_to_block();
    context_.check_may_wait();
  }
  void check_size(intake_item const& item) const {
    if (item.size() > frame_limit_) [[unlikely]] throw_too_large("an item", item.size(), frame_limit_);
  }
  [[noreturn]] static void refuse_to_block() {
    throw sequence_error("a parallel queue on your executor cannot block: use its async_ members");
  }
  void wake() {
    on_loop<state>([](state& s) { s.on_progress(); });
  }

  void stop(bool left) noexcept {
    if (foreign()) return;
    auto const all = intake_.stop(left);
    if (!all) return;
    results_.end_at(*all);
    on_loop<state>([all](state& s) {
      s.all_ = *all;
      s.on_progress();
    });
  }
  void refuse() noexcept override {
    if (auto const all = intake_.stop(false)) results_.end_at(*all);
  }

  // On the loop thread.

  void on_passed(std::uint64_t index, std::span<std::byte const> value) override { finish(index, value); }
  void on_withdrawn(std::uint64_t index) override { fail(index, std::make_exception_ptr(task_cancelled())); }

  void finish(std::uint64_t index, encoded_value const& value) {
    if (value.blocks || value.bytes.size() > taken_result::most_bytes) {
      std::unique_ptr<held_result> held;
      try {
        held = std::make_unique<held_result>(held_result::copy_of(value));
      } catch (...) {
        return fail(index, std::current_exception());
      }
      results_.order().add(index, std::move(held));
    } else {
      results_.order().add(index, value.bytes);
    }
    bytes_come_ += value.size();
  }
  void fail(std::uint64_t index, std::exception_ptr error) {
    auto held = std::make_unique<held_result>();
    held->error = std::move(error);
    results_.order().add(index, std::move(held));
  }

  bool is_stopped() const noexcept { return all_ != not_stopped; }
  /// Hands out as many tasks as are of use, and as their results may take memory.
  void feed_allowed() {
    if (over_) return;
    std::size_t const useful = room();
    if (useful == 0) return;
    feed(std::min(useful, allowed()));
    expect_remaining(is_stopped() ? static_cast<std::size_t>(all_ - items_fed()) : ~std::size_t{0});
  }
  /// How many more tasks may be under way, as far as that is a matter of their results' bytes.
  std::size_t allowed() {
    bool const must_end = is_stopped() && counts_.joiners.load() > 0;  // whether or not results are taken
    if (must_end) return ~std::size_t{0};
    if (std::size_t const n = room_for_results()) return n;
    counts_.loop_waits.store(true);
    static_cast<void>(counts_.taken_now());
    std::size_t const n = room_for_results();  // if any were taken in between, no consumer would say so
    if (n) counts_.loop_waits.store(false);
    return n;
  }
  std::size_t room_for_results() const noexcept {
    if (allowance_.is_unlimited()) return ~std::size_t{0};
    std::uint64_t const kept = counts_.result_bytes_kept() + (bytes_come_ - counts_.result_bytes_come.load());
    std::uint64_t const arguments = std::min<std::uint64_t>(argument_bytes(), bytes_limit_);
    return allowance_.more(kept, under_way(), std::max<std::uint64_t>(bytes_limit_ / 2, bytes_limit_ - arguments));
  }

  void publish() {
    counts_.result_bytes_come.store(bytes_come_);
    results_.publish();
    publish_room();
  }

  void check_over() {
    if (over_ || !is_stopped() || items_fed() < all_ || under_way() > 0) return;
    over_ = true;
    on_loop<state>([](state& s) {  // later: the dispatcher, which has called, would go on with what has gone
      s.end_workers([&s] { s.tell_over(); });
    });
  }
  void tell_over() {
    told_over_ = true;
    ends_.tell_threads();
    for (auto const& then : ends_.take_handlers()) ends_.tell(then);
  }
  static std::exception_ptr has_gone() noexcept try {
    return std::make_exception_ptr(task_cancelled("the queue has gone"));
  } catch (...) {
    return std::current_exception();
  }
  void on_end(std::exception_ptr why) noexcept override {
    over_ = true;
    if (why)
      results_.fail_rest(std::move(why));
    else
      results_.fail_waiting(has_gone());
    tell_over();
  }

  std::size_t const bytes_limit_;
  result_allowance allowance_;
  std::uint64_t bytes_come_ = 0;  // of results
  std::uint64_t all_ = not_stopped;
  bool over_ = false;
  std::atomic<bool> told_over_ = false;
  std::atomic<std::size_t> loops_ = 0;  // over the outcomes, that run
  alignas(cache_line) ordered_results results_;
};

queue_core::queue_core(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
                       std::shared_ptr<void> callable)
    : state_(std::make_shared<state>(options, executor, std::move(callable))) {
  state_->start();
  fast_intake_ = &state_->fast_intake();
  fast_results_ = &state_->fast_results();
}

queue_core::~queue_core() { front::leave(std::move(state_)); }

void queue_core::tell_taken() { state_->tell_taken(); }
std::uint64_t queue_core::put(intake_item const& item, deadline until) { return state_->put(item, until); }
std::uint64_t queue_core::async_put(intake_item const& item, std::unique_ptr<operation>&& op) {
  return state_->async_put(item, std::move(op));
}
queue_core::got queue_core::get(taken_result& result, deadline until) { return state_->get(result, until); }
queue_core::got queue_core::try_get(taken_result& result) { return state_->try_get(result); }
std::uint64_t queue_core::async_get(std::unique_ptr<result_receiver>&& receiver) {
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
void queue_core::leave() noexcept { state_->leave(); }
bool queue_core::left() const noexcept { return state_->left(); }
std::weak_ptr<void> queue_core::begin_loop() {
  state_->begin_loop();
  return state_;
}
void queue_core::end_loop(std::weak_ptr<void> const& queue, bool left) noexcept {
  if (auto const core = std::static_pointer_cast<state>(queue.lock())) core->end_loop(left);
}
std::uint64_t queue_core::take_refused() noexcept { return state_->take_refused(); }
bool queue_core::join(deadline until) { return state_->join(until); }
void queue_core::when_over(ending_handler then) { state_->when_over(std::move(then)); }
bool queue_core::is_alive() const noexcept { return state_->is_alive(); }
std::size_t queue_core::size() const noexcept { return state_->size(); }
std::size_t queue_core::workers() const noexcept { return state_->workers(); }
handler_home& queue_core::home() const noexcept { return state_->home(); }

}  // namespace procx::inline v1::detail
