#pragma once

#include "dispatch/books.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

/// Whatever the bytes mean as a history of tasks and workers happens to the books and to an obvious model of them;
/// throws std::logic_error where the two differ.
class books_history {
 public:
  using books = procx::detail::books;

  explicit books_history(std::span<std::uint8_t const> bytes) : bytes_(bytes), settings_(read_settings()), books_(settings_) {}

  void run() {
    while (at_ < bytes_.size()) {
      step();
      compare();
    }
  }

 private:
  static constexpr std::size_t slots = 4;

  struct task {
    std::size_t bytes = 0;
    std::uint32_t exceptions = 0, deaths = 0;
    bool over = false;
  };
  struct worker {
    bool alive = false;
    std::deque<books::task_id> tasks;
  };

  std::uint8_t next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }

  books::settings read_settings() {
    books::settings s;
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
    auto const number = static_cast<books::worker_id>(what / 8 % slots);
    worker& w = workers_[number];
    switch (what % 8) {
      case 0: return add_task(what);
      case 1:
        if (!w.alive) {
          books_.add_worker(number);
          w.alive = true;
          is(books_.credit(number) == books_.first_credit(), "a new worker has the first credit");
        }
        return;
      case 2:
      case 3:
        if (w.alive) give(number, w);
        return;
      case 4:
        if (!w.tasks.empty()) finish(number, w, what >= 128);
        return;
      case 5:
        if (w.alive) die(number, w, what >= 128, what >= 192);
        return;
      case 6:
        if (w.alive) books_.measured(number, next(), std::chrono::microseconds(next() * 40));
        return;
      default:
        if (!pending_.empty()) {
          is(books_.drop_front() == pending_.front(), "the first is dropped");
          tasks_[pending_.front()].over = true;
          pending_.pop_front();
        }
    }
  }

  void add_task(std::uint8_t what) {
    auto const used = std::find_if(tasks_.begin(), tasks_.end(), [](task const& t) { return t.over; });
    auto const id = static_cast<books::task_id>(used - tasks_.begin());
    if (used == tasks_.end()) tasks_.emplace_back();
    tasks_[id] = {.bytes = what};
    books_.add(id, what);
    pending_.push_back(id);
  }

  std::size_t bytes_on(worker const& w) const {
    std::size_t sum = 0;
    for (books::task_id t : w.tasks) sum += tasks_[t].bytes;
    return sum;
  }

  void give(books::worker_id number, worker& w) {
    for (std::size_t n = books_.appetite(number); n > 0; --n) {
      bool const fits = w.tasks.size() < least_ ||
                        (!pending_.empty() && bytes_on(w) + tasks_[pending_.front()].bytes <= settings_.bytes);
      auto const given = books_.assign(number);
      is(given.has_value() == (fits && !pending_.empty()), "a task is given if there is one and its bytes fit");
      if (!given) return;
      is(*given == pending_.front(), "the first is given");
      pending_.pop_front();
      w.tasks.push_back(*given);
      is(w.tasks.size() <= least_ || bytes_on(w) <= settings_.bytes, "no worker gets more bytes than it may have");
      is(books_.place(number, *given) == w.tasks.size() - 1, "it is the last that it has");
      is(w.tasks.size() <= books_.credit(number), "no worker has more tasks than credit");
    }
  }

  /// A recall, or a cancellation.
  void take_back(std::uint8_t what) {
    auto const number = static_cast<books::worker_id>(what % slots);
    worker& w = workers_[number];
    std::uint8_t const which = next();
    if (what < 8) {
      std::size_t const kept = std::min<std::size_t>(which % 4, w.tasks.size());
      if (!w.alive) return;
      is(books_.recalled(number, which % 4) == w.tasks.size() - kept, "so many come back");
      pending_.insert(pending_.begin(), w.tasks.begin() + static_cast<std::ptrdiff_t>(kept), w.tasks.end());
      w.tasks.resize(kept);
    } else if (!tasks_.empty()) {
      auto const id = static_cast<books::task_id>(which % tasks_.size());
      auto const at = std::find(pending_.begin(), pending_.end(), id);
      is(books_.withdraw(id) == (at != pending_.end()), "a task is withdrawn if it waits");
      if (at == pending_.end()) return;
      pending_.erase(at);
      tasks_[id].over = true;
    }
  }

  void finish(books::worker_id number, worker& w, bool threw) {
    books::task_id const oldest = w.tasks.front();
    w.tasks.pop_front();
    is(books_.finished(number) == oldest, "a result is that of the oldest task");
    if (threw)
      retry(oldest, books::failure::exception);
    else
      tasks_[oldest].over = true;
  }

  void die(books::worker_id number, worker& w, bool was_running, bool another_was_meant = false) {
    auto const blamed = books_.died(number, was_running);
    is(blamed.has_value() == (was_running && !w.tasks.empty()), "one is blamed if one was running");
    if (blamed) {
      is(*blamed == w.tasks.front(), "the running one is blamed");
      w.tasks.pop_front();
    }
    pending_.insert(pending_.begin(), w.tasks.begin(), w.tasks.end());
    w = {};
    is(books_.in_flight(number) == 0 && books_.appetite(number) == 0, "a dead worker has nothing and wants nothing");
    if (!blamed) return;
    if (!another_was_meant) return retry(*blamed, books::failure::death);
    books_.put_back(*blamed);
    pending_.push_front(*blamed);
  }

  void retry(books::task_id id, books::failure how) {
    task& t = tasks_[id];
    std::uint32_t& failures = how == books::failure::death ? t.deaths : t.exceptions;
    bool const again = ++failures <= settings_.retries;
    is(books_.try_again(id, how) == again, "a task is tried again as often as was said, for each way of failing");
    if (again)
      pending_.push_front(id);
    else
      t.over = true;
  }

  void compare() {
    is(books_.pending() == pending_.size(), "as many wait");
    std::size_t bytes = 0;
    for (books::task_id t : pending_) bytes += tasks_[t].bytes;
    is(books_.pending_bytes() == bytes, "as many bytes wait");
    is(books_.front() == (pending_.empty() ? std::nullopt : std::optional(pending_.front())), "the same is first");
    std::size_t in_flight = 0, alive = 0, open = 0;
    for (books::worker_id i = 0; i < slots; ++i) {
      worker const& w = workers_[i];
      in_flight += w.tasks.size();
      if (!w.alive) continue;
      ++alive;
      is(books_.in_flight(i) == w.tasks.size(), "as many are on a worker");
      is(books_.running(i) == (w.tasks.empty() ? std::nullopt : std::optional(w.tasks.front())), "its oldest runs");
      std::uint32_t const credit = books_.credit(i);
      is(settings_.window ? credit == settings_.window : credit >= settings_.least && credit <= settings_.most,
         "credit stays in its bounds");
      is(w.tasks.size() + books_.appetite(i) <= std::max<std::size_t>(credit, w.tasks.size()), "none wants more");
      is(!w.tasks.empty() || books_.appetite(i) > 0, "an idle worker wants work");
    }
    for (task const& t : tasks_) open += !t.over;
    is(books_.in_flight() == in_flight && books_.workers() == alive, "the sums are right");
    is(open == pending_.size() + in_flight, "every task is in one place");
  }

  void is(bool so, char const* what) const {
    if (!so) throw std::logic_error(std::string(what) + ": not so after " + std::to_string(at_) + " bytes");
  }

  std::span<std::uint8_t const> bytes_;
  std::size_t at_ = 0;
  std::size_t least_ = 0;  // before what is read into it
  books::settings settings_;
  books books_;
  std::deque<books::task_id> pending_;
  std::vector<task> tasks_;
  std::array<worker, slots> workers_;
};
