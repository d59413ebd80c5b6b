#pragma once

#include "pipeline/keyed_lanes.hpp"
#include "pipeline/later_segment.hpp"
#include "pipeline/pipeline_registry.hpp"
#include "pipeline/result_store.hpp"
#include "pipeline/segment.hpp"
#include "pool/front.hpp"

#include <procx/detail/pipeline/pipeline_core.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// What a pipeline is made of: the front, which is the dispatcher of the first segment as well, the segments behind it, and the
/// store of results. Members are for the loop thread, unless they say that they are not.
class pipeline_core::state final : public front, public segment_owner, public named_pipeline {
 public:
  state(std::string name, pipeline_options const& options, std::vector<std::unique_ptr<segment>> segments, std::uint64_t input,
        item_sink* sink, bool has_results, std::optional<boost::asio::any_io_executor> const& executor);

  /// By who makes it.
  void begin();

  // For any thread.

  void leave_registry() noexcept;
  void put(intake_item const& item);
  std::uint64_t put_now(intake_item const& item);
  std::uint64_t async_put(intake_item const& item, std::unique_ptr<operation>&& op);
  void cancel_put(std::uint64_t number) { intake_.cancel(number); }
  intake_fast_path& fast_intake() noexcept { return intake_.fast_path(); }
  stage_key const* key() const noexcept;
  void check_may_block(char const* instead) const;
  bool join(wait_deadline until);
  void when_over(ending_handler then);
  void stop() noexcept;
  pipeline_summary summary() const;
  std::vector<pipeline_failure> failures() const;
  std::vector<std::size_t> queue_lengths() const;
  std::string explain() const;
  result_store& results() noexcept { return results_; }

  // As a pipeline that others send to, for any thread.
  std::string const& name() const noexcept override { return name_; }
  void accept(std::uint64_t type, std::span<std::byte const> item) override;

  // From the dispatcher of the first segment.
  void on_value(std::uint64_t id, worker_name const&, encoded_value const& value) override;
  void on_values(std::uint64_t first, worker_name const&, value_series const& values) override;
  void on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) override;
  void on_parts(std::uint64_t id, std::span<std::byte const> parts) override { segments_.front()->on_parts(id, parts); }
  void on_retry(std::uint64_t id) override { segments_.front()->on_retry(id); }
  void on_place(std::uint64_t, std::uint32_t place) override { segments_.front()->on_place(place); }
  void on_message(std::uint64_t id, std::uint64_t topic, std::span<std::byte const> bytes) override {
    segments_.front()->on_message(id, topic, bytes);
  }
  void on_progress() override;

  // From segments.
  void pass_on(std::size_t from, std::uint64_t first, value_series const& values) override;
  void pass_on(std::size_t from, std::uint64_t item, std::span<std::byte const> parts, std::size_t count) override;
  void on_item_failed(std::size_t from, std::uint64_t item, std::size_t stage, std::exception_ptr error) override;
  void on_dropped(std::size_t from, std::uint64_t item) override;
  void on_split(std::size_t from, std::uint64_t item) override;
  void on_one_more(std::size_t from, std::uint64_t item) override;
  void on_sent(std::size_t from, std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes) override;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  // From the front.
  void refuse() noexcept override;
  lane* lane_for(std::byte const* item) override;
  std::size_t bytes_elsewhere() const noexcept override;
  void end_others(std::function<void()> then) override;
  void on_end(std::exception_ptr why) noexcept override;

  void check_size(intake_item const& item) const;
  void end_other(std::size_t k, std::function<void()> then);
  void hold_what_is_too_much();
  void hold(std::size_t k, bool too_much);
  void feed_allowed();
  void tell_what_will_come();
  void note_times();
  void enter(std::size_t from, std::uint64_t item);
  void note(std::size_t from, std::uint64_t item, std::int64_t more);
  void give(std::size_t from, std::uint64_t item, std::span<std::byte const> result);
  std::uint64_t ended() const noexcept;
  void publish();
  void check_over();
  void tell_over() noexcept;

  static constexpr std::uint64_t not_stopped = ~std::uint64_t{0};

  std::string const name_;
  std::uint64_t const number_;
  std::uint64_t const input_;
  item_sink* const sink_;  // null: nobody wants to know what becomes of single items
  bool const has_results_;
  std::vector<std::unique_ptr<segment>> segments_;
  std::vector<std::unique_ptr<later_segment>> later_;  // those behind the first
  std::optional<keyed_lanes> keyed_;                   // of the first
  std::vector<std::optional<time_point>> held_since_;  // each segment, if the next one has too much
  result_store results_;
  std::unordered_map<std::uint64_t, std::int64_t> alive_;  // of fed items, what was made of them and has no end as yet
  time_point began_;
  std::atomic<std::chrono::nanoseconds> took_ = std::chrono::nanoseconds(0);  // until the end; 0: it goes on
  std::atomic<bool> is_registered_ = false;
  std::atomic<std::uint64_t> all_ = not_stopped;
  std::atomic<bool> over_ = false;
  bool ends_now_ = false;
  // Items: written by the loop thread.
  std::atomic<std::uint64_t> births_ = 0, splits_ = 0, out_ = 0, dropped_ = 0, failed_ = 0;
  mutable std::mutex failures_mutex_;  // guards what follows
  std::vector<pipeline_failure> failures_;
};

}  // namespace procx::inline v1::detail
