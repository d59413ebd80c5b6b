#include <procx/detail/pool/queue_core.hpp>

#include "pool/pool_thread.hpp"
#include "pool/queue_middle.hpp"

#include <procx/error/exceptions.hpp>

#include <atomic>
#include <string>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t capacity_of_worker = 32768;

queue_entrance::limits limits_of(parallel_queue_options const& o) {
  std::size_t const items = o.capacity ? o.capacity : capacity_of_worker * o.workers.resolve();
  return {items, o.capacity_bytes ? o.capacity_bytes : ~std::size_t{0} / 2};
}

}  // namespace

class queue_core::state final : public std::enable_shared_from_this<state> {
 public:
  state(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> const& executor,
        std::shared_ptr<void> callable)
      : frame_limit_(options.frame_limit),
        ends_(limits_of(options), options.frame_limit, [this] { wake(); }, [this] { tell_taken(); },
              [this] { on_thread([](state& s) { s.ends_.exit.wake_blocked(); }); }),
        thread_(executor),
        middle_(ends_, thread_.loop(), options, std::move(callable), [this] { over(); },
                [this](std::exception_ptr why) { broken(std::move(why)); }) {
    middle_.prepare();
  }

  void run() { thread_.start(); }
  bool foreign() const noexcept { return thread_.foreign(); }
  boost::asio::any_io_executor executor() const { return thread_.executor_for_handlers(); }
  void shut() noexcept {
    stop();
    thread_.shut([this] { end(); }, shared_from_this());
  }
  void abandon() noexcept { thread_.abandon(); }

  // From any thread.

  queue_ends& ends() noexcept { return ends_; }
  std::uint64_t put(queue_item const& item, deadline until) {
    check_may_block();
    check_size(item);
    return ends_.entrance.put(item, until);
  }
  std::uint64_t async_put(queue_item const& item, std::unique_ptr<operation>&& op) {
    thread_.check_ours();
    check_size(item);
    return ends_.entrance.async_put(item, std::move(op));
  }
  got get(taken_result& result, deadline until) {
    check_may_block();
    got const g = ends_.exit.take(result, until);
    if (g == got::result) tell_taken();
    return g;
  }
  got try_get(taken_result& result) {
    thread_.check_ours();
    got const g = ends_.exit.try_take(result);
    if (g == got::result) tell_taken();
    return g;
  }
  std::uint64_t async_get(std::unique_ptr<result_receiver>&& receiver) {
    thread_.check_ours();
    return ends_.exit.async_take(std::move(receiver));
  }
  /// Whoever waits for results to be taken is told.
  void tell_taken() {
    if (ends_.counts.producers_wait_for.load() <= ends_.counts.taken.load()) ends_.entrance.room_made();
    if (ends_.counts.pool_waits.load() && ends_.counts.pool_waits.exchange(false)) wake();
  }
  void cancel_put(std::uint64_t number) { ends_.entrance.cancel(number); }
  void cancel_get(std::uint64_t number) { ends_.exit.cancel(number); }

  void cancel(std::uint64_t index, boost::asio::cancellation_type how) {
    thread_.check_ours();
    on_thread([index, how](state& s) { s.middle_.cancel(index, how); });
  }

  void stop() noexcept { stop(false); }
  void leave() noexcept { stop(true); }
  void begin_loop() noexcept { ++loops_; }
  void end_loop(bool left) noexcept {
    if (--loops_ == 0 && left) leave();
  }
  bool join(deadline until) {
    check_may_block();
    ++ends_.counts.joiners;
    wake();
    bool const is_over = ends_.exit.wait_until_over(until);
    --ends_.counts.joiners;
    if (is_over)
      if (auto const error = ends_.exit.take_bad_ending()) std::rethrow_exception(error);
    return is_over;
  }
  void when_over(ending_handler then) {
    if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no tasks, nor workers
    ++ends_.counts.joiners;  // and stays
    ends_.exit.when_over(std::move(then));
    wake();
  }

  bool is_alive() const noexcept { return !ends_.exit.is_over(); }
  std::size_t size() const noexcept {
    std::uint64_t const taken = ends_.counts.taken.load();
    return static_cast<std::size_t>(ends_.entrance.admitted() - taken);
  }
  std::size_t workers() const noexcept { return middle_.workers(); }

 private:
  void stop(bool left) noexcept {
    if (foreign()) return;
    auto const all = ends_.entrance.stop(left);
    if (!all) return;
    ends_.exit.end_at(*all);
    on_thread([all](state& s) { s.middle_.stop_at(*all); });
  }
  void check_may_block() const {
    thread_.check_ours();
    if (!thread_.is_private()) [[unlikely]] refuse_to_block();
    thread_.check_may_wait();
  }
  void check_size(queue_item const& item) const {
    if (item.size() > frame_limit_) [[unlikely]] throw_too_large("an item", item.size(), frame_limit_);
  }
  [[noreturn]] static void refuse_to_block() {
    throw sequence_error("a parallel queue on your executor cannot block: use its async_ members");
  }

  template <class F>
  void on_thread(F f) {
    thread_.post([self = weak_from_this(), f = std::move(f)] {
      if (auto const core = self.lock(); core && !core->ended_) core->middle_.guarded([&] { f(*core); });
    });
  }
  void wake() {
    on_thread([](state& s) { s.middle_.go_on(); });
  }

  // On the pool's thread.

  /// Later: the dispatcher, which has called, would go on with what has gone.
  void over() {
    on_thread([](state& s) {
      s.middle_.end();
      s.ends_.exit.over();
    });
  }
  static std::exception_ptr has_gone() noexcept try {
    return std::make_exception_ptr(task_cancelled("the queue has gone"));
  } catch (...) {
    return std::current_exception();
  }
  /// Nothing runs any more after this.
  void end() noexcept {
    if (std::exchange(ended_, true)) return;
    middle_.end();
    ends_.exit.fail_waiting(has_gone());
    ends_.exit.over();
  }
  /// The same, but what was put in and is not over fails with this.
  void broken(std::exception_ptr why) noexcept {
    if (std::exchange(ended_, true)) return;
    middle_.end();
    if (auto const all = ends_.entrance.stop(false)) ends_.exit.end_at(*all);
    ends_.exit.fail_rest(std::move(why));
    ends_.exit.over();
  }

  std::size_t const frame_limit_;
  queue_ends ends_;
  pool_thread thread_;
  queue_middle middle_;
  std::atomic<std::size_t> loops_ = 0;  // over the outcomes, that run
  bool ended_ = false;
};

queue_core::queue_core(parallel_queue_options const& options, std::optional<boost::asio::any_io_executor> executor,
                       std::shared_ptr<void> callable)
    : state_(std::make_shared<state>(options, executor, std::move(callable))) {
  state_->run();
  inlet_ = &state_->ends().entrance.inlet();
  outlet_ = &state_->ends().exit.outlet();
}

queue_core::~queue_core() {
  if (!state_->foreign()) {
    state_->shut();
  } else {  // a copy in a forked child: stays untouched
    state_->abandon();
    static_cast<void>(new std::shared_ptr<state>(std::move(state_)));
  }
}

void queue_core::tell_taken() { state_->tell_taken(); }
std::uint64_t queue_core::put(queue_item const& item, deadline until) { return state_->put(item, until); }
std::uint64_t queue_core::async_put(queue_item const& item, std::unique_ptr<operation>&& op) {
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
bool queue_core::left() const noexcept { return state_->ends().entrance.left(); }
std::weak_ptr<void> queue_core::begin_loop() {
  state_->begin_loop();
  return state_;
}
void queue_core::end_loop(std::weak_ptr<void> const& queue, bool left) noexcept {
  if (auto const core = std::static_pointer_cast<state>(queue.lock())) core->end_loop(left);
}
std::uint64_t queue_core::take_refused() noexcept { return state_->ends().entrance.take_refused(); }
bool queue_core::join(deadline until) { return state_->join(until); }
void queue_core::when_over(ending_handler then) { state_->when_over(std::move(then)); }
bool queue_core::is_alive() const noexcept { return state_->is_alive(); }
std::size_t queue_core::size() const noexcept { return state_->size(); }
std::size_t queue_core::workers() const noexcept { return state_->workers(); }
boost::asio::any_io_executor queue_core::executor() const { return state_->executor(); }

}  // namespace procx::inline v1::detail
