#pragma once

#include "daemon/call_runner.hpp"
#include "system/event_loop.hpp"

#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/detail/pipeline/serve.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Runs the calls of a daemon: each is an item for a pipeline, and its answer all that comes of it. On the daemon's loop.
class served_pipeline final : public call_runner, private item_sink {
 public:
  /// Makes the pipeline, whose handlers run on the loop.
  using make_pipeline = std::function<std::unique_ptr<pipeline_core>(event_loop&, item_sink&)>;

  served_pipeline(event_loop& loop, served_types types, make_pipeline make)
      : loop_(loop), types_(std::move(types)), make_(std::move(make)) {}

  void prepare() override { pipeline_ = make_(loop_, *this); }
  std::unique_ptr<call_lane> open_lane(task_sink& calls) override;
  void pump() override {}
  std::size_t workers() const noexcept override { return 1; }
  void stop() noexcept override;

 private:
  class item_lane;
  /// An item that is under way, and what has come of it.
  struct item {
    item_lane* lane;  // null: the client has gone
    std::uint64_t call;
    bool is_silent;
    buffer results = {};
    std::size_t count = 0;
    std::exception_ptr error = nullptr;
  };

  void on_result(std::uint64_t number, std::span<std::byte const> result) override;
  void on_failed(std::uint64_t number, std::exception_ptr error) override;
  void on_over(std::uint64_t number) override;
  void tell_soon(item_lane& lane);
  void tell();

  event_loop& loop_;
  served_types const types_;
  make_pipeline const make_;
  std::unordered_map<std::uint64_t, item> items_;  // by their numbers
  std::vector<item_lane*> news_;                   // lanes whose clients have answers that they were not told of
  std::unique_ptr<pipeline_core> pipeline_;
};

}  // namespace procx::inline v1::detail
