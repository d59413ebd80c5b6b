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

/// Whatever the bytes mean as a history of tasks in three lanes and of workers happens to the schedule and to an obvious
/// model of them; throws std::logic_error where the two differ.
class schedule_history {
 public:
  using schedule = procx::detail::schedule;
  using task_run = procx::detail::task_run;

  explicit schedule_history(std::span<std::uint8_t const> bytes)
      : bytes_(bytes), settings_(read_settings()), schedule_(settings_) {
    for (lane& l : lanes_) schedule_.open_lane(l.weight = 1 + next() % 3);
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
    std::size_t lane = 0;
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
  struct lane {
    double weight = 1;
    std::deque<std::uint64_t> waiting;
    std::size_t on_workers = 0, most_on_workers = 0;
    double served = 0;  // tasks that were given and have not come back
  };

  std::uint8_t next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }

  schedule::settings read_settings() {
    schedule::settings s;
    s.window = next() % 4;
    s.retries = next() % 3;
    s.bytes = next() * std::size_t{8};
    s.least = 1 + next() % 3;
    measures_ = next() % 2;
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
        if (w.alive && measures_) schedule_.measured(number, next(), std::chrono::microseconds(next() * 40));
        return;
      default:
        if (schedule_.pending() > 0) drop(schedule_.drop_front());
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
                       .lane = static_cast<std::uint32_t>(next() % lanes_.size()),
                       .has_slabs = what >= 128 && (what >> 3 & 3) == 0};
    for (std::uint32_t i = 0; i < run.count; ++i) {
      lanes_[run.lane].waiting.push_back(tasks_.size());
      tasks_.push_back({.lane = run.lane, .bytes = run.weight, .block = run.block, .alone = run.has_slabs});
    }
    schedule_.add(run);
  }

  /// Whether the run says of each of its tasks what was said when it was added, and has happened since.
  void is_right(task_run run, char const* what) const {
    for (is(run.count > 0, what); run.count > 0; run.take_front(1)) {
      is(run.id < tasks_.size(), what);
      task const& t = tasks_[run.id];
      is(run.length == frame_length && run.offset == run.id * frame_length && run.block == t.block && run.weight == t.bytes, what);
      is(run.lane == t.lane, what);
      is(run.exceptions == t.exceptions && run.deaths == t.deaths && run.has_slabs == t.alone, what);
      is(run.count == 1 || !(t.alone || t.exceptions || t.deaths), what);
    }
  }

  std::deque<std::uint64_t>& waiting_with(task_run const& run) { return lanes_[run.lane].waiting; }

  void drop(task_run run) {
    is_right(run, "what is dropped is right");
    for (auto& waiting = waiting_with(run); run.count > 0; run.take_front(1)) {
      is(!waiting.empty() && run.id == waiting.front(), "the first are dropped");
      tasks_[run.id].over = true;
      waiting.pop_front();
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
      lane& l = lanes_[run.lane];
      l.served += run.count;
      l.on_workers += run.count;
      l.most_on_workers = std::max(l.most_on_workers, l.on_workers);
      for (; run.count > 0; run.take_front(1), ++told) {
        is(fits(w, run.lane) && run.id == l.waiting.front(), "the first of a lane is given, if its bytes fit");
        l.waiting.pop_front();
        w.tasks.push_back(run.id);
        is(schedule_.place(number, run.lane, run.id) == w.tasks.size() - 1, "it is the last that it has");
        is(!schedule_.place(number, (run.lane + 1) % lanes_.size(), run.id), "another lane's of its number is not there");
      }
      compare_shares();
    });
    is(given == told && given <= most, "as many as were told");
    is(given == most || schedule_.pending() == 0 || !fits(w, schedule_.front()->lane), "as many as there are and fit");
    is(most == 0 || w.tasks.size() <= schedule_.credit(number), "no worker has more tasks than credit");
  }

  bool fits(worker const& w, std::size_t in) const {
    auto const& waiting = lanes_[in].waiting;
    if (waiting.empty()) return false;
    return w.tasks.size() < least_ || bytes_on(w) + tasks_[waiting.front()].bytes <= settings_.bytes;
  }

  /// While two lanes have tasks that wait, and all tasks are thought to take as long, what they are given differs by their
  /// weights, and by no more than what is at the workers: so none of them starves.
  void compare_shares() {
    if (measures_) return;
    for (std::size_t a = 0; a < lanes_.size(); ++a)
      for (std::size_t b = 0; b < a; ++b) {
        double& ahead = ahead_[a][b];
        double const now = lanes_[a].served / lanes_[a].weight - lanes_[b].served / lanes_[b].weight;
        if (lanes_[a].waiting.empty() || lanes_[b].waiting.empty()) {
          ahead = now;
          continue;
        }
        double const slack = slack_of(lanes_[a]) + slack_of(lanes_[b]);
        is(now - ahead <= slack && ahead - now <= slack, "no lane starves");
      }
  }
  static double slack_of(lane const& l) { return static_cast<double>(l.most_on_workers + 1) / l.weight; }

  /// A recall, or a cancellation.
  void take_back(std::uint8_t what) {
    auto const number = static_cast<schedule::worker_id>(what % slots);
    worker& w = workers_[number];
    std::uint8_t const which = next();
    if (what < 8) {
      std::size_t const kept = std::min<std::size_t>(which % 4, w.tasks.size());
      if (!w.alive) return;
      is(schedule_.recalled(number, which % 4) == w.tasks.size() - kept, "so many come back");
      put_back(w, kept);
    } else if (!tasks_.empty()) {
      std::uint64_t const id = which % tasks_.size();
      auto const in = static_cast<schedule::lane_id>(tasks_[id].lane);
      auto& waiting = lanes_[in].waiting;
      auto const at = std::find(waiting.begin(), waiting.end(), id);
      is(!schedule_.withdraw((in + 1) % lanes_.size(), id), "a task waits in its own lane");
      auto const withdrawn = schedule_.withdraw(in, id);
      is(withdrawn.has_value() == (at != waiting.end()), "a task is withdrawn if it waits");
      if (at == waiting.end()) return;
      is_right(*withdrawn, "what is withdrawn is right");
      is(withdrawn->id == id && withdrawn->count == 1, "it and no other is withdrawn");
      waiting.erase(at);
      tasks_[id].over = true;
    }
  }

  /// All but the first `kept` head their lanes.
  void put_back(worker& w, std::size_t kept) {
    for (; w.tasks.size() > kept; w.tasks.pop_back()) {
      lane& l = lanes_[tasks_[w.tasks.back()].lane];
      l.waiting.push_front(w.tasks.back());
      --l.on_workers;
      --l.served;
    }
  }
  /// The worker's oldest has left it.
  void pop(worker& w) {
    --lanes_[tasks_[w.tasks.front()].lane].on_workers;
    w.tasks.pop_front();
  }

  void finish(schedule::worker_id number, worker& w, bool threw, bool all) {
    std::uint32_t const count = threw || !all ? 1 : schedule_.oldest(number)->count;
    task_run done = schedule_.finished(number, count);
    is(done.count == count, "so many are finished");
    is_right(done, "what is finished is right");
    if (threw) {
      is(done.id == w.tasks.front(), "a failure is that of the oldest task");
      pop(w);
      return retry(done, schedule::failure::exception);
    }
    for (; done.count > 0; done.take_front(1)) {
      is(done.id == w.tasks.front(), "results are those of the oldest tasks");
      pop(w);
      tasks_[done.id].over = true;
    }
  }

  void die(schedule::worker_id number, worker& w, bool was_running, bool another_was_meant = false) {
    auto const blamed = schedule_.died(number, was_running);
    is(blamed.has_value() == (was_running && !w.tasks.empty()), "one is blamed if one was running");
    if (blamed) {
      is_right(*blamed, "who is blamed is right");
      is(blamed->id == w.tasks.front() && blamed->count == 1, "the running one is blamed");
      pop(w);
    }
    put_back(w, 0);
    w = {};
    is(schedule_.in_flight(number) == 0 && schedule_.appetite(number) == 0, "a dead worker has nothing and wants nothing");
    if (!blamed) return;
    if (!another_was_meant) return retry(*blamed, schedule::failure::death);
    schedule_.put_back(*blamed);
    waiting_with(*blamed).push_front(blamed->id);
  }

  void retry(task_run run, schedule::failure how) {
    task& t = tasks_[run.id];
    std::uint32_t& failures = how == schedule::failure::death ? t.deaths : t.exceptions;
    bool const again = ++failures <= settings_.retries;
    is(schedule_.may_try_again(run, how) == again, "a task is tried again as often as was said, for each way of failing");
    if (again) {
      schedule_.put_back(run);
      waiting_with(run).push_front(run.id);
    } else {
      t.over = true;
    }
  }

  void compare() {
    std::size_t waiting = 0;
    for (schedule::lane_id i = 0; i < lanes_.size(); ++i) {
      std::size_t bytes = 0;
      for (std::uint64_t t : lanes_[i].waiting) bytes += tasks_[t].bytes;
      is(schedule_.pending(i) == lanes_[i].waiting.size(), "as many wait in each lane");
      is(schedule_.pending_bytes(i) == bytes, "as many bytes wait in each lane");
      waiting += lanes_[i].waiting.size();
    }
    is(schedule_.pending() == waiting, "as many wait in all");
    is((schedule_.front() == nullptr) == (waiting == 0), "there is a first one");
    if (auto const* const first = schedule_.front()) same_first(first, waiting_with(*first));
    compare_shares();
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
    is(open == waiting + in_flight, "every task is in one place");
  }

  /// Run by run, and each task of them.
  void compare_waiting() const {
    schedule rest = schedule_;
    auto left = lanes_;
    while (rest.pending() > 0) {
      task_run run = rest.drop_front();
      is_right(run, "what waits is right");
      for (auto& waiting = left[run.lane].waiting; run.count > 0; run.take_front(1), waiting.pop_front())
        is(!waiting.empty() && run.id == waiting.front(), "they wait in this order");
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
  std::size_t least_ = 0;   // before what is read into it
  bool measures_ = false;  // likewise
  schedule::settings settings_;
  schedule schedule_;
  std::array<lane, 3> lanes_;
  std::array<std::array<double, 3>, 3> ahead_{};  // by how much one was served more than another when one of them had none left
  std::vector<task> tasks_;
  std::array<worker, slots> workers_;
};
