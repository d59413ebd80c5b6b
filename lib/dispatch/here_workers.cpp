#include "dispatch/here_workers.hpp"

#include "dispatch/result_series.hpp"
#include "dispatch/tasks/callee.hpp"
#include "dispatch/tasks/run_queue.hpp"
#include "memory/slab_arena.hpp"

#include <procx/detail/dispatch/task_output.hpp>
#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds turn{1};  // so long tasks run before other handlers of the loop have theirs

/// What lies in shared memory for a task: this process has put it there.
class attached_slabs final : public block_source {
 public:
  explicit attached_slabs(std::span<std::shared_ptr<slab> const> slabs) noexcept : slabs_(slabs) {}

  std::span<std::byte const> find(std::uint64_t number, std::size_t size) override {
    slab const& s = *held(number);
    if (size > s.arena()->size_of(s.number())) throw protocol_error("a task refers to memory that there is not");
    return {s.data(), size};
  }
  std::shared_ptr<void> keep(std::uint64_t) override { return nullptr; }  // it may be tried again with the same
  bool lasting() const noexcept override { return true; }

 private:
  std::shared_ptr<slab> const& held(std::uint64_t number) const {
    auto const at = std::ranges::find_if(slabs_, [&](auto const& s) { return s->number() == number; });
    if (at == slabs_.end()) throw protocol_error("a task refers to memory that there is not");
    return *at;
  }

  std::span<std::shared_ptr<slab> const> slabs_;
};

class here_worker final : public worker, private task_output {
 public:
  here_worker(worker_events& events, event_loop& loop, here_options const& options, callable_table const& callables)
      : task_output(nullptr), events_(events), loop_(loop), options_(options), callables_(callables), callees_(callables) {}
  ~here_worker() override { alive_.reset(); }

  worker_name name() const noexcept override { return {0, ::getpid()}; }
  bool can_run(task_head const& head) const noexcept override {
    return callables_.size() >= callable_table::needed_for(head.callable);
  }
  void add(task_run const& tasks) override { tasks_.push_back(tasks); }
  void flush() override { go_on(); }
  std::optional<std::size_t> recall() override {
    tasks_ = {};
    return series_.count() + (runs_ ? 1 : 0);
  }
  worker_progress progress(time_point now) noexcept override {
    return {.begun = series_.count() + (runs_ ? 1 : 0), .runs = runs_, .running_for = runs_ ? now - begun_at_ : clock::duration(0)};
  }
  void stop_task(std::size_t, stop_how, death_cause, std::chrono::nanoseconds) noexcept override {}  // it is in our way
  void retire() noexcept override {
    retired_ = true;
    go_on_or_break();
  }
  void end(std::chrono::nanoseconds) noexcept override {
    tasks_ = {};
    retire();
  }
  void end_now() noexcept override { end(std::chrono::nanoseconds(0)); }
  std::optional<worker_end> wait_until(std::optional<time_point>) override {
    tasks_ = {};
    return leave();
  }

 private:
  void go_on() {
    if (std::exchange(posted_, true)) return;
    boost::asio::post(loop_.executor(), [this, alive = std::weak_ptr(alive_)] {
      if (alive.expired() || loop_.foreign()) return;
      posted_ = false;
      events_.guarded([&] { take_turn(alive); });
    });
  }
  void go_on_or_break() noexcept {
    events_.guarded([this] { go_on(); });
  }

  void take_turn(std::weak_ptr<here_worker*> const& alive) {
    if (runs_) return;  // the task runs the loop itself
    if (!set_up_ && tasks_.tasks() > 0 && !set_up()) return;
    auto const began = clock::now();
    while (tasks_.tasks() > 0 && clock::now() - began < turn) {
      run(tasks_.take_front(1));
      if (alive.expired()) return;
    }
    series_.give();
    busy_ += clock::now() - began;
    if (tasks_.tasks() > 0) go_on();
    if (tasks_.tasks() == 0 && retired_) {
      worker_end end = leave();
      if (!alive.expired()) events_.on_end(*this, std::move(end));
      return;
    }
    events_.on_turn_over(*this, busy_);
  }

  bool set_up() {
    set_up_ = true;
    try {
      if (options_.setup) options_.setup();
      return true;
    } catch (...) {
      tasks_ = {};
      events_.on_end(*this, {.setup_error = as_remote(std::current_exception())});
      return false;
    }
  }

  worker_end leave() {
    worker_end end;
    if (!std::exchange(left_, true) && set_up_ && options_.teardown) try {
        options_.teardown();
      } catch (...) {
        end.teardown_error = as_remote(std::current_exception());
      }
    return end;
  }

  static std::exception_ptr as_remote(std::exception_ptr const& error) {
    return std::make_exception_ptr(remote_exception(describe_exception(error)));
  }

  void run(task_run const& task) {
    std::weak_ptr const alive(alive_);
    result_.clear();
    std::exception_ptr error;
    runs_ = true;
    begun_at_ = clock::now();
    task_output* const outer = current();
    set_current(options_.takes_messages ? this : nullptr);
    try {
      call(task);
    } catch (...) {
      error = std::current_exception();
    }
    set_current(outer);
    if (alive.expired()) return;
    runs_ = false;
    if (!parts_.empty()) give_parts();
    if (error) {
      series_.give();
      events_.on_results(*this, {.error = as_remote(error)});
    } else {
      series_.add(result_);
    }
  }

  void call(task_run const& task) {
    // The bytes stay where they are; what the task adds meanwhile lies elsewhere.
    auto const bytes = events_.tasks().arguments(task);
    auto const slabs = events_.tasks().attached(task);
    attached_slabs blocks({slabs.begin(), slabs.end()});
    input_archive in(bytes.data(), bytes.size(), &blocks);
    output_archive out(result_, nullptr);
    callee const c = callees_.find(task.head);
    c.entry(c.object, in, out);
    if (result_.size() > options_.frame_limit) throw_too_large("a value", result_.size(), options_.frame_limit);
  }

  void part(std::span<std::byte const> bytes) override {
    std::uint64_t const length = bytes.size();
    parts_.append(&length, sizeof length);
    parts_.append(bytes.data(), bytes.size());
    if (parts_.size() >= result_series::at_most) give_parts();
  }
  void give_parts() {
    series_.give();
    events_.on_parts(*this, parts_);
    parts_.clear();
  }
  void message(std::uint64_t topic, std::span<std::byte const> bytes) override {
    if (!parts_.empty()) give_parts();
    series_.give();
    events_.on_message(*this, topic, bytes);
  }

  worker_events& events_;
  event_loop& loop_;
  here_options const& options_;
  callable_table const& callables_;
  callee_finder callees_;
  run_queue tasks_;
  buffer result_;
  result_series series_{events_, *this};
  buffer parts_;              // of the task that runs
  bool posted_ = false;
  bool runs_ = false;
  bool set_up_ = false;
  bool retired_ = false;
  bool left_ = false;
  time_point begun_at_{};
  std::chrono::nanoseconds busy_{0};
  std::shared_ptr<here_worker*> alive_ = std::make_shared<here_worker*>(this);
};

}  // namespace

here_workers::here_workers(worker_events& events, event_loop& loop, here_options options,
                           std::shared_ptr<callable_table> callables)
    : events_(events), loop_(loop), options_(std::move(options)), callables_(std::move(callables)) {}

void here_workers::order(task_head const*) {
  events_.on_worker(std::make_unique<here_worker>(events_, loop_, options_, *callables_));
}

}  // namespace procx::inline v1::detail
