#pragma once

#include "dispatch/worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Workers that do what a test says, when it says so. No processes, and no clock but the test's.

/// What the dispatcher sees of a scripted worker goes when it lets go of it; the script stays for the test. A task's value is
/// the bytes of its arguments.
class scripted_worker {
 public:
  using clock = std::chrono::steady_clock;
  using task_run = procx::detail::task_run;
  struct stop {
    std::size_t ahead;
    procx::detail::stop_how how;
    procx::death_cause cause;
    std::chrono::nanoseconds grace;
  };

  scripted_worker(procx::detail::worker_events& events, clock::time_point const& now, std::uint32_t number)
      : events_(events), now_(now), number_(number) {}

  // How it behaves.
  bool recalls_late = false;    ///< `answer_recall` is for the test to call
  bool stays = false;           ///< it does not leave until `end_now`
  std::uint32_t knows = ~0u;    ///< the number of callables
  procx::detail::worker_end leaves_with = {};  ///< what a blocking stop learns

  // What it was told.
  std::deque<task_run> tasks;  ///< without results here, each alone
  std::size_t unflushed = 0;   ///< of them
  std::vector<std::size_t> gifts;  ///< the number of tasks of each flush
  std::vector<stop> stops;
  std::uint32_t credit = 0;
  std::size_t recalls = 0, ends_now = 0, rests = 0, looks = 0;
  bool is_retired = false;
  bool owes_recall = false;
  std::optional<std::chrono::nanoseconds> end_grace;  ///< none: it was not told to end
  bool is_gone = false;

  procx::detail::worker_name name() const noexcept { return {number_, 1000 + std::int64_t{number_}}; }
  /// Of its tasks.
  std::vector<std::uint64_t> ids() const {
    std::vector<std::uint64_t> all;
    for (task_run const& t : tasks) all.push_back(t.id);
    return all;
  }
  /// Of the same.
  std::vector<std::uint32_t> lanes() const {
    std::vector<std::uint32_t> all;
    for (task_run const& t : tasks) all.push_back(t.lane);
    return all;
  }
  /// Of the i-th one's arguments.
  std::vector<unsigned char> bytes_of(std::size_t i) const {
    auto const bytes = events_.tasks().arguments(tasks.at(i));
    auto const* const first = reinterpret_cast<unsigned char const*>(bytes.data());
    return {first, first + bytes.size()};
  }
  std::size_t begun() const noexcept { return begun_; }
  bool runs() const noexcept { return runs_; }
  std::chrono::nanoseconds running_for() const noexcept { return runs_ ? now_ - began_at_ : std::chrono::nanoseconds(0); }

  /// Begins its next task, if it has one.
  void begin() {
    check(!runs_ && begun_ < tasks.size(), "a task to begin");
    ++begun_;
    runs_ = true;
    began_at_ = now_;
  }
  /// The running task is over, but its result is not known yet.
  void leave_task() { runs_ = false; }
  /// Gives the values of its `n` oldest tasks, whose arguments are of one length, as one series.
  void finish_series(std::size_t n) {
    if (n == 0) return;
    std::vector<std::byte> bytes;
    std::size_t length = 0;
    for (std::size_t i = 0; i < n; ++i) {
      auto const argument = events_.tasks().arguments(tasks.at(i));
      check(i == 0 || argument.size() == length, "values of one length");
      length = argument.size();
      bytes.insert(bytes.end(), argument.begin(), argument.end());
    }
    pop(n);
    events_.on_results(*seated_, {.values = {12345, length, n, bytes.data()}});
  }
  /// Gives the value of its oldest task alone, as one that is not only bytes is given.
  void finish_one() {
    auto const argument = events_.tasks().arguments(tasks.at(0));
    std::vector<std::byte> const bytes(argument.begin(), argument.end());
    pop(1);
    events_.on_results(*seated_, {.value = std::span<std::byte const>(bytes)});
  }
  /// Its oldest task throws.
  void fail(std::exception_ptr error = std::make_exception_ptr(std::range_error("thrown"))) {
    check(!tasks.empty(), "a task to fail");
    pop(1);
    events_.on_results(*seated_, {.error = std::move(error)});
  }
  void give_parts(std::string_view bytes) { events_.on_parts(*seated_, std::as_bytes(std::span(bytes))); }
  void give_message(std::uint64_t topic, std::string_view bytes) {
    events_.on_message(*seated_, topic, std::as_bytes(std::span(bytes)));
  }
  /// It has given all for now, and worked for so long since the last time.
  void turn_over(std::chrono::nanoseconds worked = {}) {
    busy_ += worked;
    events_.on_turn_over(*seated_, busy_);
  }
  /// The usual: some tasks in series, and that is all for now.
  void work(std::size_t n, std::chrono::nanoseconds each = {}) {
    finish_series(n);
    turn_over(each * static_cast<std::int64_t>(n));
  }
  void work_all(std::chrono::nanoseconds each = {}) { work(tasks.size(), each); }
  void answer_recall() {
    check(std::exchange(owes_recall, false), "a recall that waits");
    events_.on_recalled(*seated_, take_back());
  }
  /// Ends at its task, if it runs one.
  void die(procx::death_cause cause = procx::death_cause::itself, int signal = 9) {
    end({.at_task = runs_,
         .certificate = {.pid = static_cast<pid_t>(name().process),
                         .status = procx::exit_status::of_signal(signal),
                         .cause = cause}});
  }
  /// Ends as it should when it was told to leave.
  void leave() { end({.certificate = {.status = procx::exit_status::of_code(0)}}); }
  void end(procx::detail::worker_end how) {
    is_gone = true;
    tasks.clear();
    events_.on_end(*seated_, std::move(how));
  }
  void wear_out() { events_.on_worn_out(*seated_); }

  class seated;

 private:
  static void check(bool so, char const* what) {
    if (!so) throw std::logic_error(std::string("the script needs ") + what);
  }
  void pop(std::size_t n) {
    check(n <= tasks.size(), "that many tasks");
    tasks.erase(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(n));
    if (n >= begun_) runs_ = false;
    begun_ -= std::min(n, begun_);
  }
  std::size_t take_back() {
    tasks.resize(begun_);
    unflushed = 0;
    return begun_;
  }

  procx::detail::worker_events& events_;
  clock::time_point const& now_;
  std::uint32_t number_;
  procx::detail::worker* seated_ = nullptr;  // null: the dispatcher has let go of it
  std::size_t begun_ = 0;
  bool runs_ = false;
  clock::time_point began_at_{};
  std::chrono::nanoseconds busy_{0};
};

/// What sits in the dispatcher.
class scripted_worker::seated final : public procx::detail::worker {
 public:
  explicit seated(std::shared_ptr<scripted_worker> script) : w_(std::move(script)) { w_->seated_ = this; }
  ~seated() override {
    w_->seated_ = nullptr;
    w_->is_gone = true;
  }

  procx::detail::worker_name name() const noexcept override { return w_->name(); }
  bool can_run(procx::detail::task_head const& head) const noexcept override {
    return w_->knows >= procx::detail::callable_table::needed_for(head.callable);
  }
  void add(procx::detail::task_run const& given) override {
    check(!w_->is_retired && !w_->owes_recall && !w_->is_gone, "nothing for one that is retired or recalls");
    for (auto run = given; run.count > 0;) w_->tasks.push_back(run.take_front(1));
    w_->unflushed += given.count;
    check(w_->tasks.size() <= w_->credit, "no more tasks than credit");
  }
  void flush() override { w_->gifts.push_back(std::exchange(w_->unflushed, 0)); }
  void set_credit(std::uint32_t most) noexcept override { w_->credit = most; }
  std::optional<std::size_t> recall() override {
    check(!w_->owes_recall, "one recall at a time");
    ++w_->recalls;
    if (!w_->recalls_late) return w_->take_back();
    w_->owes_recall = true;
    return std::nullopt;
  }
  procx::detail::worker_progress progress(time_point now) noexcept override {
    check(now == w_->now_, "nobody else's clock");
    return {w_->begun_, w_->runs_, w_->running_for()};
  }
  void stop_task(std::size_t ahead, procx::detail::stop_how how, procx::death_cause cause,
                 std::chrono::nanoseconds grace) noexcept override {
    w_->stops.push_back({ahead, how, cause, grace});
  }
  void retire() noexcept override { w_->is_retired = true; }
  void end(std::chrono::nanoseconds grace) noexcept override { w_->end_grace = grace; }
  void end_now() noexcept override { ++w_->ends_now; }
  void look_after(time_point, std::chrono::nanoseconds) override { ++w_->looks; }
  void rest() override { ++w_->rests; }
  std::optional<procx::detail::worker_end> wait_until(std::optional<time_point> until) override {
    if (w_->stays && until && w_->ends_now == 0) return std::nullopt;
    w_->leaves_with.overstayed = w_->ends_now > 0;
    return w_->leaves_with;
  }

 private:
  std::shared_ptr<scripted_worker> w_;
};
