#pragma once

#include "dispatch/lane.hpp"
#include "pipeline/item_origins.hpp"
#include "pipeline/segment_outline.hpp"
#include "pipeline/stage_chain.hpp"
#include "local/runner_settings.hpp"

#include <procx/detail/pipeline/stage_base.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// Who takes what a segment makes.
class segment_owner {
 public:
  virtual ~segment_owner() = default;
  /// Results of items from `first` on, one of each, that go on behind segment `from`.
  virtual void pass_on(std::size_t from, std::uint64_t first, value_series const& values) = 0;
  /// The same of one item, as many as there are, each behind its length.
  virtual void pass_on(std::size_t from, std::uint64_t item, std::span<std::byte const> parts, std::size_t count) = 0;
  virtual void on_item_failed(std::size_t from, std::uint64_t item, std::size_t stage, std::exception_ptr error) = 0;
  /// Nothing has come of an item, …
  virtual void on_dropped(std::size_t from, std::uint64_t item) = 0;
  /// … it has become others, which were passed on, …
  virtual void on_split(std::size_t from, std::uint64_t item) = 0;
  /// … or one more, which comes to an end there as well.
  virtual void on_one_more(std::size_t from, std::uint64_t item) = 0;
  virtual void on_sent(std::size_t from, std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes) = 0;
};

/// Stages that run in the same processes, from the parent's side: takes what their chain gives, in the order of the items where
/// that is asked for, and counts.
class segment {
 public:
  /// `next`: by what the segment behind it keeps the order, if it does.
  segment(std::size_t number, std::vector<stage_entry> stages, item_key next);

  /// Who takes what it makes; before anything else.
  void set_owner(segment_owner& owner) noexcept { owner_ = &owner; }

  /// See `pipeline_options::drain`.
  runner_settings settings(std::chrono::nanoseconds drain) const;
  std::shared_ptr<stage_chain> const& chain() const noexcept { return chain_; }
  std::string const& name_of(std::size_t stage) const { return stages_[stage].options.name; }
  segment_outline const& outline() const noexcept { return outline_; }
  bool is_keyed() const noexcept { return static_cast<bool>(chain_->in()); }

  item_origins origins;

  // From the dispatcher.
  void on_value(std::uint64_t item, encoded_value const& value);
  void on_values(std::uint64_t first, value_series const& values);
  void on_failure(std::uint64_t item, std::exception_ptr error);
  void on_parts(std::uint64_t item, std::span<std::byte const> parts);
  void on_retry(std::uint64_t item);
  void on_message(std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes);
  /// The process has died at this stage of the item that fails next.
  void on_place(std::uint32_t stage) noexcept;
  /// The item at hand fails when it is over, whatever it gives.
  void spoil(std::uint64_t item, std::exception_ptr error) { spoiled_.emplace(item, std::move(error)); }

  std::atomic<std::uint64_t> out = 0, dropped = 0, failed = 0;  ///< results, and what came to nothing, so far
  std::atomic<std::uint64_t> over = 0;                           ///< of its items
  /// How long its workers have been busy, all together, and how long they could not go on since the next segment was full.
  std::vector<std::atomic<std::uint64_t>> stage_ns;  ///< how long each stage has run, of a sample of the items
  std::atomic<std::chrono::nanoseconds> busy = std::chrono::nanoseconds(0), blocked = std::chrono::nanoseconds(0);

 private:
  /// What has become of an item that is not the next one, in a segment that keeps the order.
  struct held {
    bool is_over = false;
    std::exception_ptr error = nullptr;
    std::size_t stage = 0;
    buffer parts = {};
    std::size_t count = 0;
  };

  /// Values of a series that does not begin with the next item, likewise.
  struct kept_series {
    std::size_t length;
    std::size_t count;
    buffer bytes;
  };

  void pass_on(std::uint64_t first, value_series const& values);
  void hold(std::uint64_t first, value_series const& values);
  bool release_series();
  void end(std::uint64_t item, std::size_t made, std::size_t stage, std::exception_ptr error);
  bool must_wait(std::uint64_t item) const noexcept { return ordered_ && item != next_; }
  held& hold(std::uint64_t item);
  void go_on_behind(std::uint64_t item);
  void release();
  void finish(std::uint64_t item, std::size_t made);
  void give_value(std::uint64_t item, std::span<std::byte const> value);
  void give_parts(std::uint64_t item, std::span<std::byte const> parts, std::size_t count);
  void fail(std::uint64_t item, std::size_t stage, std::exception_ptr error);
  void take_one(std::uint64_t item, std::span<std::byte const> value);

  std::size_t const number_;
  std::vector<stage_entry> const stages_;
  segment_outline const outline_;
  segment_owner* owner_ = nullptr;
  std::shared_ptr<stage_chain> const chain_;
  stage_yield const yield_;
  bool const ordered_;
  bool const holds_parts_;  // until an item is over: it may be tried again
  std::uint64_t next_ = 0;  // in order
  std::deque<held> held_;   // of items from `next_` on
  std::map<std::uint64_t, kept_series> held_series_;  // by their first items, which lie behind
  buffer spare_;
  std::unordered_map<std::uint64_t, std::size_t> made_;  // by items that have given parts and are not over
  std::unordered_map<std::uint64_t, buffer> parts_;      // likewise, if they are held
  std::unordered_map<std::uint64_t, std::exception_ptr> spoiled_;
  std::size_t failed_stage_ = 0;  // of the failure that comes next
};

/// By what a segment keeps the order whose first stage this is, if it does.
item_key key_of(stage_entry const& first);
/// How many values lie behind their lengths there.
std::size_t count_parts(std::span<std::byte const> parts) noexcept;

}  // namespace procx::inline v1::detail
