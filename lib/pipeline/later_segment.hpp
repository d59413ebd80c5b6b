#pragma once

#include "dispatch/lane.hpp"
#include "pipeline/segment.hpp"
#include "system/event_loop.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

inline std::shared_ptr<callable_table> table_with(std::shared_ptr<stage_chain> const& chain) {
  return table_of(&stage_chain::run, chain);
}

/// A segment behind the first one, with a dispatcher of its own.
class later_segment final : public task_sink {
 public:
  later_segment(segment& s, event_loop& loop, std::function<void()> on_progress, std::function<void(std::exception_ptr)> on_broken,
                std::function<void(std::exception_ptr)> on_bad_ending)
      : segment_(s),
        progress_(std::move(on_progress)),
        broken_(std::move(on_broken)),
        bad_ending_(std::move(on_bad_ending)),
        settings_(s.settings()),
        callables_(table_with(s.chain())),
        dispatcher_(loop, settings_.dispatch, callables_, settings_.source(loop, callables_)) {}

  dispatcher& tasks() noexcept { return dispatcher_; }
  lane& items() noexcept { return lane_; }

  void on_value(std::uint64_t id, worker_name const&, encoded_value const& value) override { segment_.on_value(id, value); }
  void on_values(std::uint64_t first, worker_name const&, value_series const& values) override {
    segment_.on_values(first, values);
  }
  void on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) override {
    segment_.on_failure(id, std::move(error));
  }
  void on_parts(std::uint64_t id, std::span<std::byte const> parts) override { segment_.on_parts(id, parts); }
  void on_retry(std::uint64_t id) override { segment_.on_retry(id); }
  void on_message(std::uint64_t id, std::uint64_t topic, std::span<std::byte const> bytes) override {
    segment_.on_message(id, topic, bytes);
  }
  void on_progress() override { progress_(); }
  void on_broken(std::exception_ptr why) noexcept override { broken_(std::move(why)); }
  void on_bad_ending(std::exception_ptr error) noexcept override { bad_ending_(std::move(error)); }

 private:
  segment& segment_;
  std::function<void()> const progress_;
  std::function<void(std::exception_ptr)> const broken_;
  std::function<void(std::exception_ptr)> const bad_ending_;
  runner_settings const settings_;
  std::shared_ptr<callable_table> const callables_;
  dispatcher dispatcher_;
  lane lane_{dispatcher_, *this};
};

}  // namespace procx::inline v1::detail
