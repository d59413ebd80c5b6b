#pragma once

#include "support/history_client.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>

/// Whatever the bytes mean as a history of tasks, owners and workers happens to a dispatcher and to an obvious model of what it
/// is to do; throws std::logic_error where the two differ. At the end everything may finish, and each task must have one end.
class dispatcher_history {
 public:
  explicit dispatcher_history(std::span<std::uint8_t const> bytes)
      : bytes_(bytes), stage_(read_options()), model_{options_, stage_.workers.now} {
    workers().answers_late = flags_ & 1;
    workers().prepare_worker = [this](scripted_worker& w) { w.recalls_late = flags_ & 2; };
  }

  void run() {
    for (std::size_t i = 0; i < clients_.size(); ++i) open(i);
    while (at_ < bytes_.size()) {
      std::uint8_t const what = next();
      step(what);
      bool const polled = what < 192;
      if (polled) stage_.loop.poll();
      compare(polled);
    }
    finish();
  }

 private:
  using number = history_model::number;
  using task_at_worker = std::pair<scripted_worker*, number>;

  static void is(bool so, char const* what) { history_model::is(so, what); }
  static number number_at(scripted_worker const& w, std::size_t i) { return history_model::number_at(w, i); }
  std::uint8_t next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }
  scripted_workers& workers() noexcept { return stage_.workers; }

  dispatch_stage::options read_options() {
    options_.workers = 1 + next() % 4;
    options_.policy.window = next() % 5;
    options_.policy.retries = next() % 3;
    options_.recycle_after_tasks = next() % 8;
    flags_ = next();
    if (flags_ & 4) options_.backoff = std::chrono::milliseconds(5);
    if (flags_ & 8) options_.task_timeout = std::chrono::milliseconds(20);
    if (flags_ & 16) options_.policy.bytes = 24;
    return options_;
  }

  void open(std::size_t i) {
    clients_[i] = std::make_unique<history_client>(model_, *stage_.dispatcher, model_.per_owner * ++owners_);
  }
  /// What is at the workers stays there, or is taken back and forgotten.
  void close(std::size_t i) {
    if (!clients_[i]) return;
    for_all_tasks([&](scripted_worker& w, std::size_t, number t) {
      if (owner_of(t) == clients_[i].get()) ownerless_.insert({&w, t});
    });
    clients_[i].reset();
  }
  history_client* owner_of(number t) const {
    for (auto const& c : clients_)
      if (c && t - c->first() < model_.per_owner) return c.get();
    return nullptr;
  }

  template <class F>
  void for_alive(F f) {
    while (first_alive_ < workers().size() && workers()[first_alive_].is_gone) ++first_alive_;
    for (std::size_t i = first_alive_; i < workers().size(); ++i)
      if (!workers()[i].is_gone) f(workers()[i]);
  }
  template <class F>
  void for_all_tasks(F f) {
    for_alive([&](scripted_worker& w) {
      for (std::size_t i = 0; i < w.tasks.size(); ++i) f(w, i, number_at(w, i));
    });
  }
  /// One of the workers that there are; null if there is none.
  scripted_worker* some_worker() {
    std::size_t const alive = workers().alive();
    std::size_t left = alive ? next() % alive : 0;
    scripted_worker* found = nullptr;
    for_alive([&](scripted_worker& w) {
      if (left-- == 0) found = &w;
    });
    return found;
  }

  void step(std::uint8_t what) {
    std::size_t const i = what / 16 % clients_.size();
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
        if (!clients_[i]) open(i);
        clients_[i]->add(1 + next() % 8);
        return stage_.dispatcher->pump();
      case 3: return answer();
      case 4: return cancel(i);
      case 5: return move_clock(std::chrono::milliseconds(next() % 32));
      case 6:
        if (what & 128) return close(i);
        if (clients_[i]) clients_[i]->feeds = true;
        return;
      default:
        if (auto* const w = some_worker()) step_of(*w, what);
    }
  }

  void step_of(scripted_worker& w, std::uint8_t what) {
    switch (what % 16) {
      case 7:
        if (w.owes_recall) w.answer_recall();
        return;
      case 8:
      case 9:
        if (w.begun() == w.tasks.size()) return;
        w.leave_task();
        return w.begin();
      case 10: return die(w, what);
      case 11:
        if (w.is_retired && w.tasks.empty()) w.leave();
        return;
      case 12: return fail(w);
      case 13:
        if (w.tasks.empty()) return;
        w.finish_one();
        return w.turn_over(std::chrono::microseconds(next() * 40));
      case 14: return w.work(std::min<std::size_t>(next(), w.tasks.size()), std::chrono::microseconds(what));
      default: return w.work_all(std::chrono::microseconds(what * 4));
    }
  }

  void answer() {
    if (workers().waiting == 0) return;
    if (next() % 8 > 0) return workers().answer();
    ++model_.idle_deaths;
    workers().refuse(std::make_exception_ptr(procx::process_died({})), true);
  }

  void cancel(std::size_t i) {
    auto const how = static_cast<procx::detail::dispatcher::cancellation>(next() % 3);
    std::uint64_t const back = next();
    if (!clients_[i] || clients_[i]->added == 0) return;
    std::uint64_t const id = clients_[i]->added - 1 - back % clients_[i]->added;
    auto& t = model_.tasks.at(clients_[i]->first() + id);
    t.cancelled = true;
    if (clients_[i]->lane().cancel(id, how)) {
      is(!t.over, "what is over cannot be cancelled");
      t.must_be_cancelled = true;
      t.due.reset();
    }
    stage_.dispatcher->pump();
  }

  void fail(scripted_worker& w) {
    if (w.tasks.empty()) return;
    in_order_ = false;
    ++model_.tasks.at(number_at(w, 0)).exceptions;
    w.fail();
    w.turn_over();
  }

  void die(scripted_worker& w, std::uint8_t what) {
    in_order_ = false;
    bool const another = what & 32;
    if (!w.runs() || !(what & 16)) {
      ++model_.idle_deaths;
      return w.end({});
    }
    w.finish_series(w.begun() - 1);
    if (another) return w.end({.at_task = true, .another_was_meant = true});
    auto const cause = w.stops.empty() ? procx::death_cause::itself : w.stops.back().cause;
    auto& t = model_.tasks.at(number_at(w, 0));
    ++t.deaths;
    t.timed_out = t.timed_out || cause == procx::death_cause::timeout;
    t.cancelled = t.cancelled || cause == procx::death_cause::cancellation;
    w.die(cause);
  }

  void move_clock(std::chrono::nanoseconds by) {
    std::map<scripted_worker*, std::size_t> recalls;
    for_alive([&](scripted_worker& w) { recalls[&w] = w.recalls; });
    workers().now += by;
    for (auto& [n, t] : model_.tasks)
      if (t.due && *t.due <= workers().now) t.due.reset();
    stage_.dispatcher->tick(workers().now);
    for (auto const& [w, before] : recalls)
      if (!w->is_gone && w->recalls > before && w->running_for() >= procx::detail::ticker::period)
        held_[w] = number_at(*w, w->begun() - 1);
  }

  void compare(bool polled) {
    is(model_.broken == nullptr, "no handler fails");
    compare_tasks(polled);
    std::size_t busy = 0;
    for_alive([&](scripted_worker& w) {
      busy += !w.tasks.empty();
      is(w.unflushed == 0, "what is given is sent");
      std::size_t const most = options_.recycle_after_tasks;
      is(most == 0 || w.tasks.size() <= most, "a worker has no more than it is to do");
      auto const held = held_.find(&w);
      if (held == held_.end()) return;
      if (w.begun() == 0 || number_at(w, w.begun() - 1) != held->second) return static_cast<void>(held_.erase(held));
      is(w.owes_recall || w.tasks.size() == w.begun(), "a long runner is given nothing");
    });
    is(stage_.dispatcher->busy_workers().size() == busy, "as many workers are busy");
    is(stage_.dispatcher->workers() == workers().alive(), "there are as many workers");
    is(stage_.dispatcher->places_taken() == workers().alive() + workers().waiting, "there are as many orders");
    is(stage_.dispatcher->places_taken() <= options_.workers, "there are no more than there may be");
  }

  void compare_tasks(bool polled) {
    std::map<history_client*, std::size_t> on_workers;
    std::map<std::pair<scripted_worker*, history_client*>, number> last;
    std::set<number> seen;
    std::set<task_at_worker> ownerless;
    for_alive([&](scripted_worker& w) { in_order_ = in_order_ && w.recalls == 0; });
    for_all_tasks([&](scripted_worker& w, std::size_t, number t) {
      is(seen.insert(t).second, "a task is at one worker");
      history_client* const owner = owner_of(t);
      if (!owner) {
        is(ownerless_.contains({&w, t}), "nothing of a closed lane is given to anyone");
        ownerless.insert({&w, t});
        return;
      }
      auto const& task = model_.tasks.at(t);
      is(!task.over && !task.due && !task.must_be_cancelled, "a task is in one place");
      is(!in_order_ || t > std::exchange(last[{&w, owner}], t), "a lane's tasks are done in their order");
      ++on_workers[owner];
    });
    ownerless_ = std::move(ownerless);
    for (auto const& c : clients_)
      if (c) compare(*c, on_workers[c.get()], polled);
  }

  void compare(history_client& c, std::size_t on_workers, bool polled) {
    is(c.added == c.ended + c.lane().unfinished(), "each task is over or not");
    std::size_t delayed = 0;
    auto const end = model_.tasks.lower_bound(c.first() + model_.per_owner);
    for (auto t = model_.tasks.lower_bound(c.first()); t != end; ++t) delayed += t->second.due.has_value();
    std::size_t const known = c.lane().unassigned() + on_workers + delayed;
    // Those that are to fail in a handler of their own are nowhere until it has run.
    is(polled ? known == c.lane().unfinished() : known <= c.lane().unfinished(), "each task is known in one place");
  }

  void finish() {
    workers().answers_late = false;
    while (workers().waiting > 0) workers().answer();
    stage_.loop.poll();
    for (int rounds = 0; !stage_.dispatcher->idle(); ++rounds) {
      is(rounds < 10'000, "everything comes to its end");
      for_alive([](scripted_worker& w) {
        if (w.owes_recall) w.answer_recall();
        w.work_all();
        if (w.is_retired && w.tasks.empty()) w.leave();
      });
      stage_.loop.poll();
      move_clock(std::chrono::milliseconds(100));
      stage_.loop.poll();
    }
    compare(true);
    for (auto const& c : clients_)
      if (c) is(c->ended == c->added && c->lane().idle(), "all tasks are over");
    is(stage_.dispatcher->task_bytes() == 0, "nothing is kept of them");
  }

  std::span<std::uint8_t const> bytes_;
  std::size_t at_ = 0;
  std::uint8_t flags_ = 0;
  dispatch_stage::options options_;
  dispatch_stage stage_;
  history_model model_;
  std::size_t owners_ = 0;
  std::size_t first_alive_ = 0;
  bool in_order_ = true;                       // nothing has come back from a worker
  std::map<scripted_worker*, number> held_;    // each while it is at this task
  std::set<task_at_worker> ownerless_;         // of closed lanes
  std::array<std::unique_ptr<history_client>, 3> clients_;
};
