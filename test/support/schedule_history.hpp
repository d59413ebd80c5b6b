#pragma once

#include "dispatch/tasks/schedule.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

/// Whatever the bytes mean as a history of tasks and workers happens to the schedule and to an obvious model of them;
/// throws std::logic_error where the two differ.
class schedule_history {
 public:
  using schedule = procx::detail::schedule;
  using task_run = procx::detail::task_run;

  explicit schedule_history(std::span<std::uint8_t const> bytes) : bytes_(bytes), settings_(read_settings()), schedule_(settings_) {
    schedule_.open_lane();
  }

  void run() {
    for (std::size_t steps = 1; at_ < bytes_.size(); ++steps) {
      step();
      compare();
      if (steps % 16 == 0) compare_waiting();  // what it takes grows with what waits
    }
    compare_waiting();
  }

 private:
  static constexpr std::size_t slots = 4;
  static constexpr std::size_t frame_length = 8;

  struct task {
    std::size_t bytes = 0;
    std::uint32_t block = 0;
    bool alone = false;
    std::uint32_t exceptions = 0, deaths = 0;
    bool over = false;
  };
  struct worker {
    bool alive = false;
    std::deque<std::uint64_t> tasks;
  };

  std::uint8_t next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }

  schedule::settings read_settings() {
    schedule::settings s;
    s.window = next() % 4;
    s.retries = next() % 3;
    s.bytes = next() * std::size_t{8};
    s.least = 1 + next() % 3;
    least_ = s.window && s.window < s.least ? s.window : s.least;
    s.most = s.least + next() % 32;
    return s;
  }

  void step() {
    std::uint8_t const what = next();
    if (what % 16 == 15) return take_back(what / 16);
    auto const number = static_cast<schedule::worker_id>(what / 8 % slots);
    worker& w = workers_[number];
    switch (what % 8) {
      case 0: return add_task(what);
      case 1:
        if (!w.alive) {
          schedule_.add_worker(number);
          w.alive = true;
          is(schedule_.credit(number) == schedule_.first_credit(), "a new worker has the first credit");
        }
        return;
      case 2:
      case 3:
        if (w.alive) give(number, w);
        return;
      case 4:
        if (!w.tasks.empty()) finish(number, w, what >= 128, what & 64);
        return;
      case 5:
        if (w.alive) die(number, w, what >= 128, what >= 192);
        return;
      case 6:
        if (w.alive) schedule_.measured(number, next(), std::chrono::microseconds(next() * 40));
        return;
      default:
        if (!pending_.empty()) drop(schedule_.drop_front());
    }
  }

  void add_task(std::uint8_t what) {
    // Few weights, so that many tasks follow those before them.
    task_run const run{.id = tasks_.size(),
                       .length = frame_length,
                       .count = 1u + (what >> 3 & 3),
                       .weight = what & 32 ? 100u : 24u,
                       .block = what & 64 ? 1u : 0u,
                       .offset = static_cast<std::uint32_t>(tasks_.size() * frame_length),
                       .has_slabs = what >= 128 && (what >> 3 & 3) == 0};
    for (std::uint32_t i = 0; i < run.count; ++i) {
      pending_.push_back(tasks_.size());
      tasks_.push_back({.bytes = run.weight, .block = run.block, .alone = run.has_slabs});
    }
    schedule_.add(run);
  }

  /// Whether the run says of each of its tasks what was said when it was added, and has happened since.
  void is_right(task_run run, char const* what) const {
    for (is(run.count > 0, what); run.count > 0; run.take_front(1)) {
      is(run.id < tasks_.size(), what);
      task const& t = tasks_[run.id];
      is(run.length == frame_length && run.offset == run.id * frame_length && run.block == t.block && run.weight == t.bytes, what);
      is(run.exceptions == t.exceptions && run.deaths == t.deaths && run.has_slabs == t.alone, what);
      is(run.count == 1 || !(t.alone || t.exceptions || t.deaths), what);
    }
  }

  void drop(task_run run) {
    is_right(run, "what is dropped is right");
    for (; run.count > 0; run.take_front(1)) {
      is(run.id == pending_.front(), "the first are dropped");
      tasks_[run.id].over = true;
      pending_.pop_front();
    }
  }

  std::size_t bytes_on(worker const& w) const {
    std::size_t sum = 0;
    for (std::uint64_t t : w.tasks) sum += tasks_[t].bytes;
    return sum;
  }

  void give(schedule::worker_id number, worker& w) {
    std::size_t const most = schedule_.appetite(number);
    std::size_t told = 0;
    std::size_t const given = schedule_.assign(number, most, [](task_run const&) { return true; }, [&](task_run run) {
      is_right(run, "what is given is right");
      for (; run.count > 0; run.take_front(1), ++told) {
        is(fits(w) && run.id == pending_.front(), "the first is given, if its bytes fit");
        pending_.pop_front();
        w.tasks.push_back(run.id);
        is(schedule_.place(number, 0, run.id) == w.tasks.size() - 1, "it is the last that it has");
      }
    });
    is(given == told && given <= most, "as many as were told");
    is(given == most || !fits(w), "as many as there are and fit");
    is(most == 0 || w.tasks.size() <= schedule_.credit(number), "no worker has more tasks than credit");
  }

  bool fits(worker const& w) const {
    if (pending_.empty()) return false;
    return w.tasks.size() < least_ || bytes_on(w) + tasks_[pending_.front()].bytes <= settings_.bytes;
  }

  /// A recall, or a cancellation.
  void take_back(std::uint8_t what) {
    auto const number = static_cast<schedule::worker_id>(what % slots);
    worker& w = workers_[number];
    std::uint8_t const which = next();
    if (what < 8) {
      std::size_t const kept = std::min<std::size_t>(which % 4, w.tasks.size());
      if (!w.alive) return;
      is(schedule_.recalled(number, which % 4) == w.tasks.size() - kept, "so many come back");
      pending_.insert(pending_.begin(), w.tasks.begin() + static_cast<std::ptrdiff_t>(kept), w.tasks.end());
      w.tasks.resize(kept);
    } else if (!tasks_.empty()) {
      std::uint64_t const id = which % tasks_.size();
      auto const at = std::find(pending_.begin(), pending_.end(), id);
      auto const withdrawn = schedule_.withdraw(0, id);
      is(withdrawn.has_value() == (at != pending_.end()), "a task is withdrawn if it waits");
      if (at == pending_.end()) return;
      is_right(*withdrawn, "what is withdrawn is right");
      is(withdrawn->id == id && withdrawn->count == 1, "it and no other is withdrawn");
      pending_.erase(at);
      tasks_[id].over = true;
    }
  }

  void finish(schedule::worker_id number, worker& w, bool threw, bool all) {
    std::uint32_t const count = threw || !all ? 1 : schedule_.oldest(number)->count;
    task_run done = schedule_.finished(number, count);
    is(done.count == count, "so many are finished");
    is_right(done, "what is finished is right");
    if (threw) {
      is(done.id == w.tasks.front(), "a failure is that of the oldest task");
      w.tasks.pop_front();
      return retry(done, schedule::failure::exception);
    }
    for (; done.count > 0; done.take_front(1)) {
      is(done.id == w.tasks.front(), "results are those of the oldest tasks");
      w.tasks.pop_front();
      tasks_[done.id].over = true;
    }
  }

  void die(schedule::worker_id number, worker& w, bool was_running, bool another_was_meant = false) {
    auto const blamed = schedule_.died(number, was_running);
    is(blamed.has_value() == (was_running && !w.tasks.empty()), "one is blamed if one was running");
    if (blamed) {
      is_right(*blamed, "who is blamed is right");
      is(blamed->id == w.tasks.front() && blamed->count == 1, "the running one is blamed");
      w.tasks.pop_front();
    }
    pending_.insert(pending_.begin(), w.tasks.begin(), w.tasks.end());
    w = {};
    is(schedule_.in_flight(number) == 0 && schedule_.appetite(number) == 0, "a dead worker has nothing and wants nothing");
    if (!blamed) return;
    if (!another_was_meant) return retry(*blamed, schedule::failure::death);
    schedule_.put_back(*blamed);
    pending_.push_front(blamed->id);
  }

  void retry(task_run run, schedule::failure how) {
    task& t = tasks_[run.id];
    std::uint32_t& failures = how == schedule::failure::death ? t.deaths : t.exceptions;
    bool const again = ++failures <= settings_.retries;
    is(schedule_.may_try_again(run, how) == again, "a task is tried again as often as was said, for each way of failing");
    if (again) {
      schedule_.put_back(run);
      pending_.push_front(run.id);
    } else {
      t.over = true;
    }
  }

  void compare() {
    is(schedule_.pending() == pending_.size(), "as many wait");
    std::size_t bytes = 0;
    for (std::uint64_t t : pending_) bytes += tasks_[t].bytes;
    is(schedule_.pending_bytes(0) == bytes, "as many bytes wait");
    same_first(schedule_.front(), pending_);
    std::size_t in_flight = 0, alive = 0, open = 0;
    for (schedule::worker_id i = 0; i < slots; ++i) {
      worker const& w = workers_[i];
      in_flight += w.tasks.size();
      if (!w.alive) continue;
      ++alive;
      is(schedule_.in_flight(i) == w.tasks.size(), "as many are on a worker");
      same_first(schedule_.oldest(i), w.tasks);
      std::uint32_t const credit = schedule_.credit(i);
      is(settings_.window ? credit == settings_.window : credit >= settings_.least && credit <= settings_.most,
         "credit stays in its bounds");
      is(w.tasks.size() + schedule_.appetite(i) <= std::max<std::size_t>(credit, w.tasks.size()), "none wants more");
      is(!w.tasks.empty() || schedule_.appetite(i) > 0, "an idle worker wants work");
    }
    for (task const& t : tasks_) open += !t.over;
    is(schedule_.in_flight() == in_flight && schedule_.workers() == alive, "the sums are right");
    is(open == pending_.size() + in_flight, "every task is in one place");
  }

  /// Run by run, and each task of them.
  void compare_waiting() const {
    schedule rest = schedule_;
    for (auto left = pending_; !left.empty();) {
      task_run run = rest.drop_front();
      is_right(run, "what waits is right");
      for (; run.count > 0; run.take_front(1), left.pop_front())
        is(!left.empty() && run.id == left.front(), "they wait in this order");
    }
  }

  void same_first(task_run const* run, std::deque<std::uint64_t> const& tasks) const {
    is((run == nullptr) == tasks.empty(), "there is a first one");
    if (!run) return;
    is_right(*run, "the first is right");
    is(run->id == tasks.front() && run->count <= tasks.size(), "the same is first");
  }

  void is(bool so, char const* what) const {
    if (!so) throw std::logic_error(std::string(what) + ": not so after " + std::to_string(at_) + " bytes");
  }

  std::span<std::uint8_t const> bytes_;
  std::size_t at_ = 0;
  std::size_t least_ = 0;  // before what is read into it
  schedule::settings settings_;
  schedule schedule_;
  std::deque<std::uint64_t> pending_;
  std::vector<task> tasks_;
  std::array<worker, slots> workers_;
};
