#pragma once

#include "support/dispatch_stage.hpp"

#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

/// What must be true of the tasks in a `dispatcher_history`.
struct history_model {
  using clock = scripted_worker::clock;
  using number = std::uint64_t;  ///< of a task among all that there ever were
  static constexpr number per_owner = 1'000'000;

  struct task {
    std::uint32_t exceptions = 0, deaths = 0;  ///< the dispatcher was told of
    bool timed_out = false, cancelled = false;
    bool must_be_cancelled = false;
    std::optional<clock::time_point> due = std::nullopt;  ///< it waits for its next attempt
    bool over = false;
  };

  static void is(bool so, char const* what) {
    if (!so) throw std::logic_error(what);
  }
  static number number_in(std::span<std::byte const> bytes) {
    number n = 0;
    is(bytes.size() == sizeof n, "the bytes are those of a task");
    std::memcpy(&n, bytes.data(), sizeof n);
    return n;
  }
  static number number_at(scripted_worker const& w, std::size_t i) {
    auto const bytes = w.bytes_of(i);
    return number_in(std::as_bytes(std::span(bytes)));
  }
  std::uint32_t attempts() const noexcept { return options.policy.retries + 1; }

  procx::detail::dispatcher_options options;
  clock::time_point const& now;
  std::map<number, task> tasks = {};
  std::size_t idle_deaths = 0;  ///< of workers at no task, and orders that came to nothing
  std::exception_ptr broken = nullptr;
};

/// An owner of tasks and his lane.
class history_client final : public procx::detail::task_sink {
 public:
  using number = history_model::number;

  history_client(history_model& model, procx::detail::dispatcher& d, number first)
      : model_(model), dispatcher_(d), first_(first), lane_(d, *this, 1 + static_cast<double>(first / model.per_owner % 3)) {}

  void add(std::uint64_t n) {
    for (; n > 0; --n) {
      number const t = first_ + added++;
      procx::detail::packed_task packed;
      packed.bytes.append(&t, sizeof t);
      lane_.add_task(t - first_, std::move(packed));
      model_.tasks[t];
    }
  }
  procx::detail::lane& lane() noexcept { return lane_; }
  number first() const noexcept { return first_; }

  void on_value(std::uint64_t id, procx::detail::worker_name const&, procx::detail::encoded_value const& value) override {
    is(model_.number_in(value.bytes) == first_ + id, "a value is that of its task");
    is(!end(id).must_be_cancelled, "a task that could be cancelled is");
  }
  void on_failure(std::uint64_t id, procx::detail::worker_name const& from, std::exception_ptr error) override {
    auto const& t = end(id);
    std::string const why = word_for(error);
    bool const hopeless = model_.idle_deaths >= 8 && from.process == 0;
    if (why == "thrown") is(t.exceptions == model_.attempts(), "as often as was said it is tried after exceptions");
    if (why.starts_with("died")) is(hopeless || t.deaths == model_.attempts(), "as often as was said it is tried after deaths");
    if (why == "timeout") is(t.timed_out, "its time was up");
    if (why == "cancelled") is(t.cancelled, "it was cancelled");
    is(!t.must_be_cancelled || why == "cancelled", "a task that could be cancelled is");
  }
  void on_retry(std::uint64_t id) override {
    auto& t = model_.tasks.at(first_ + id);
    auto const wait = procx::detail::backoff_after(t.exceptions + t.deaths, model_.options.backoff);
    if (wait.count() > 0) t.due = model_.now + wait;
  }
  void on_progress() override {
    if (std::exchange(feeds, false)) add(1);
    dispatcher_.pump();
  }
  void on_broken(std::exception_ptr why) noexcept override { model_.broken = why; }

  std::uint64_t added = 0;
  std::uint64_t ended = 0;
  bool feeds = false;  ///< it adds a task when it is told of progress

 private:
  static void is(bool so, char const* what) { history_model::is(so, what); }
  history_model::task& end(std::uint64_t id) {
    auto& t = model_.tasks.at(first_ + id);
    is(!std::exchange(t.over, true), "a task has one end");
    t.due.reset();
    ++ended;
    return t;
  }

  history_model& model_;
  procx::detail::dispatcher& dispatcher_;
  number first_;
  procx::detail::lane lane_;
};
