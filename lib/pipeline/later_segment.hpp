#pragma once

#include "dispatch/lane.hpp"
#include "pipeline/keyed_lanes.hpp"
#include "pipeline/segment.hpp"
#include "system/event_loop.hpp"

#include <procx/detail/pipeline/pipeline_core.hpp>

#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

inline std::shared_ptr<callable_table> table_with(std::shared_ptr<stage_chain> const& chain) {
  return table_of(&stage_chain::run, chain);
}

/// A segment behind the first one, with a dispatcher of its own.
class later_segment final : public task_sink {
 public:
  later_segment(segment& s, event_loop& loop, std::chrono::nanoseconds drain, std::function<void()> on_progress,
                std::function<void(std::exception_ptr)> on_broken, std::function<void(std::exception_ptr)> on_bad_ending)
      : segment_(s),
        progress_(std::move(on_progress)),
        broken_(std::move(on_broken)),
        bad_ending_(std::move(on_bad_ending)),
        settings_(s.settings(drain)),
        callables_(table_with(s.chain())),
        dispatcher_(loop, settings_.dispatch, callables_, settings_.source(loop, callables_)) {
    if (!s.is_keyed()) return;
    keyed_.emplace(settings_.dispatch.workers,
                   [this] { return std::make_unique<lane>(dispatcher_, *this, 1, lane::order::serial); });
  }

  dispatcher& tasks() noexcept { return dispatcher_; }
  bool wants_more() const noexcept { return keyed_ ? keyed_->wants_more() : lane_.wants_more(); }
  /// Results of the segment before it, as items; see `lane`.
  void add_values(std::uint64_t first, value_series const& values) {
    if (!keyed_) return lane_.add_values(first, values, pipeline_core::head());
    for (std::size_t i = 0; i < values.count; ++i) {
      auto const item = values.payload(i);
      keyed_->of(item.data()).add_values(first + i, {first + i, item.size(), 1, item.data()}, pipeline_core::head());
    }
  }
  void add_parts(std::uint64_t first, std::span<std::byte const> parts, std::size_t count) {
    if (!keyed_) return lane_.add_parts(first, parts, count, pipeline_core::head());
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t const size = arguments_length_size + task_store::size_at(parts.data());
      keyed_->of(parts.data() + arguments_length_size).add_parts(first + i, parts.first(size), 1, pipeline_core::head());
      parts = parts.subspan(size);
    }
  }

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
  void on_place(std::uint64_t, std::uint32_t place) override { segment_.on_place(place); }
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
  std::optional<keyed_lanes> keyed_;
};

}  // namespace procx::inline v1::detail
