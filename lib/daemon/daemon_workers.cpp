#include "daemon/daemon_workers.hpp"

#include "dispatch/result_series.hpp"
#include "error/death_error.hpp"

#include <procx/detail/system/operation.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <utility>

namespace procx::inline v1::detail {
namespace {

using clock = std::chrono::steady_clock;

/// A task that was called, and what has come of it.
struct called_task {
  std::uint64_t call = 0;  ///< its number; 0: it was not made
  clock::time_point begun{};
  bool done = false;
  std::exception_ptr error = nullptr;
  buffer value = {};
  buffer parts = {};
};

class daemon_worker final : public worker {
 public:
  daemon_worker(worker_events& events, event_loop& loop, client_core& client, daemon_calls const& how)
      : events_(events), loop_(loop), client_(client), how_(how) {}
  ~daemon_worker() override { alive_.reset(); }

  worker_name name() const noexcept override { return {}; }
  bool can_run(task_head const&) const noexcept override { return true; }
  void add(task_run const& tasks) override { unsent_.push_back(tasks); }
  void flush() override {
    if (calls_.empty() && !unsent_.empty()) busy_since_ = clock::now();
    for (; !unsent_.empty(); unsent_.pop_front())
      for (task_run left = unsent_.front(); left.count > 0;) call(left.take_front(1));
  }
  std::optional<std::size_t> recall() override { return calls_.size(); }
  worker_progress progress(time_point now) noexcept override {
    if (calls_.empty()) return {};
    return {.begun = 1, .runs = true, .running_for = holds_ ? clock::duration(0) : now - calls_.front().begun};
  }
  void stop_task(std::size_t ahead, stop_how how, death_cause cause, std::chrono::nanoseconds) noexcept override {
    if (ahead >= calls_.size() || calls_[ahead].done) return;
    called_task& c = calls_[ahead];
    using type = boost::asio::cancellation_type;
    client_.cancel(c.call, how == stop_how::ask ? type::partial : type::terminal);
    if (how == stop_how::ask) return;
    c.error = error_of(death_certificate{.cause = cause});
    c.done = true;
    deliver_soon();
  }
  void retire() noexcept override {
    retired_ = true;
    deliver_soon();
  }
  void end(std::chrono::nanoseconds) noexcept override {
    drop_calls();
    retire();
  }
  void end_now() noexcept override { end(std::chrono::nanoseconds(0)); }
  void hold_results(bool hold) override {
    holds_ = hold;
    if (!hold) deliver_soon();
  }
  std::optional<worker_end> wait_until(std::optional<time_point>) override {
    drop_calls();
    return worker_end{};
  }

 private:
  /// The answer to one call, for whoever is there by then.
  class answer final : public operation {
   public:
    answer(std::weak_ptr<daemon_worker*> whose, std::uint64_t place) : whose_(std::move(whose)), place_(place) {}
    void complete(raw_result result) override {
      if (auto const w = whose_.lock()) (*w)->on_answer(place_, std::move(result));
    }

   private:
    std::weak_ptr<daemon_worker*> whose_;
    std::uint64_t place_;
  };

  void call(task_run const& task) {
    std::uint64_t const place = first_ + calls_.size();
    calls_.push_back({.begun = clock::now()});
    try {
      buffer bytes;
      how_.to_call(events_.tasks().arguments(task), bytes);
      std::uint64_t const number = client_.begin({how_.name, how_.fingerprint, bytes.bytes()},
                                                 std::make_unique<answer>(alive_, place), client_core::answer_by::executor);
      calls_.back().call = number;
    } catch (...) {
      finish(calls_.back(), std::current_exception());
    }
  }

  void on_answer(std::uint64_t place, raw_result result) {
    if (place < first_ || place - first_ >= calls_.size()) return;
    called_task& c = calls_[static_cast<std::size_t>(place - first_)];
    if (c.done) return;
    if (!result.error) result.error = failure_of([&] { how_.to_result(result.bytes.bytes, c.value, c.parts); });
    finish(c, std::move(result.error));
  }
  void finish(called_task& c, std::exception_ptr error) noexcept {
    c.error = std::move(error);
    c.done = true;
    deliver_soon();
  }

  void deliver_soon() noexcept {
    if (std::exchange(posted_, true)) return;
    events_.guarded([this] {
      boost::asio::post(loop_.executor(), [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired() || loop_.foreign()) return;
        posted_ = false;
        events_.guarded([&] { deliver(alive); });
      });
    });
  }
  /// Results leave in the order of the tasks.
  void deliver(std::weak_ptr<daemon_worker*> const& alive) {
    bool const any = !calls_.empty();
    while (!holds_ && !calls_.empty() && calls_.front().done) {
      called_task c = std::move(calls_.front());
      calls_.pop_front();
      ++first_;
      if (c.error || !c.parts.empty()) series_.give();
      if (!c.parts.empty()) events_.on_parts(*this, c.parts);
      if (c.error)
        events_.on_results(*this, {.error = std::move(c.error)});
      else
        series_.add(c.value);
      if (alive.expired()) return;
    }
    series_.give();
    if (any) note_busy();
    if (retired_ && calls_.empty() && unsent_.empty()) return events_.on_end(*this, {});
    if (any) events_.on_turn_over(*this, busy_);
  }
  void note_busy() noexcept {
    auto const now = clock::now();
    busy_ += now - std::exchange(busy_since_, now);
  }
  void drop_calls() noexcept {
    for (called_task const& c : calls_)
      if (!c.done) client_.cancel(c.call, boost::asio::cancellation_type::terminal);
    calls_.clear();
    unsent_.clear();
    first_ = never;  // what is answered now is nobody's
  }

  static constexpr std::uint64_t never = ~std::uint64_t{0};

  worker_events& events_;
  event_loop& loop_;
  client_core& client_;
  daemon_calls const& how_;
  std::deque<task_run> unsent_;
  std::deque<called_task> calls_;
  std::uint64_t first_ = 0;  // place of the first of them
  result_series series_{events_, *this};
  bool posted_ = false;
  bool holds_ = false;
  bool retired_ = false;
  clock::time_point busy_since_{};
  std::chrono::nanoseconds busy_{0};
  std::shared_ptr<daemon_worker*> alive_ = std::make_shared<daemon_worker*>(this);
};

}  // namespace

daemon_workers::daemon_workers(worker_events& events, event_loop& loop, daemon_calls how)
    : events_(events), loop_(loop), how_(std::move(how)) {}

void daemon_workers::prepare() { client_ = std::make_unique<client_core>(how_.address, how_.options, loop_.executor()); }

void daemon_workers::order(task_head const*) {
  events_.on_worker(std::make_unique<daemon_worker>(events_, loop_, *client_, how_));
}

void daemon_workers::shut(std::function<void()> then) {
  client_.reset();
  then();
}

}  // namespace procx::inline v1::detail
