#pragma once

#include "support/scripted_worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

/// Where a dispatcher's scripted workers come from. Outlives the dispatcher.
class scripted_workers {
 public:
  using make_source = std::function<std::unique_ptr<procx::detail::worker_source>(procx::detail::worker_events&)>;

  scripted_worker::clock::time_point now{std::chrono::hours(1)};  ///< the test's clock
  bool answers_late = false;  ///< `answer` and `refuse` are for the test to call
  std::exception_ptr refusal = nullptr;  ///< null: orders are not refused
  bool refused_again = false;            ///< another order may have more luck
  bool shuts_late = false;               ///< `finish_shutting` is for the test to call
  std::function<void(scripted_worker&)> prepare_worker = nullptr;  ///< called with each new one

  std::size_t orders = 0;   ///< in all
  std::size_t waiting = 0;  ///< that have no answer
  std::size_t rests = 0;
  bool is_shut = false;
  bool is_gone = false;

  std::size_t size() const noexcept { return all_.size(); }
  /// By their numbers, those that are gone included.
  scripted_worker& operator[](std::size_t i) { return *all_.at(i); }
  std::size_t alive() const {
    return static_cast<std::size_t>(std::ranges::count_if(all_, [](auto const& w) { return !w->is_gone; }));
  }

  void answer() {
    make();
    events_->on_answered();
  }
  void refuse(std::exception_ptr why, bool again) {
    --waiting;
    events_->on_no_worker(std::move(why), again);
    events_->on_answered();
  }
  void finish_shutting() { std::exchange(then_, nullptr)(); }

  make_source source() {
    return [this](procx::detail::worker_events& events) {
      events_ = &events;
      return std::make_unique<seated>(*this);
    };
  }

 private:
  class seated final : public procx::detail::worker_source {
   public:
    explicit seated(scripted_workers& all) : all_(all) {}
    ~seated() override { all_.is_gone = true; }
    void order(procx::detail::task_head const*) override {
      ++all_.orders;
      ++all_.waiting;
      if (all_.answers_late) return;
      if (!all_.refusal) return all_.make();
      --all_.waiting;
      all_.events_->on_no_worker(all_.refusal, all_.refused_again);
    }
    void rest() override { ++all_.rests; }
    void shut(std::function<void()> then) override {
      all_.is_shut = true;
      if (!all_.shuts_late) return then();
      all_.then_ = std::move(then);
    }
    void shut_now() noexcept override { all_.is_shut = true; }

   private:
    scripted_workers& all_;
  };

  void make() {
    --waiting;
    all_.push_back(std::make_shared<scripted_worker>(*events_, now, static_cast<std::uint32_t>(all_.size())));
    if (prepare_worker) prepare_worker(*all_.back());
    events_->on_worker(std::make_unique<scripted_worker::seated>(all_.back()));
  }

  procx::detail::worker_events* events_ = nullptr;
  std::vector<std::shared_ptr<scripted_worker>> all_;
  std::function<void()> then_;
};
