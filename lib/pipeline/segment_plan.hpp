#pragma once

#include "pipeline/segment.hpp"

#include <procx/detail/pipeline/stage_base.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Stands for the owner of segments that are made before it is.
struct segment_relay : segment_owner {
  segment_owner* to = nullptr;
  void pass_on(std::size_t from, std::uint64_t first, value_series const& values) override { to->pass_on(from, first, values); }
  void pass_on(std::size_t from, std::uint64_t item, std::span<std::byte const> parts, std::size_t count) override {
    to->pass_on(from, item, parts, count);
  }
  void on_item_failed(std::size_t from, std::uint64_t item, std::size_t stage, std::exception_ptr error) override {
    to->on_item_failed(from, item, stage, std::move(error));
  }
  void on_dropped() override { to->on_dropped(); }
  void on_split() override { to->on_split(); }
  void on_one_more() override { to->on_one_more(); }
  void on_sent(std::size_t from, std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes) override {
    to->on_sent(from, item, topic, bytes);
  }
};

/// Which stages run together: those without options of their own where the one before them does.
struct segment_plan {
  explicit segment_plan(std::vector<stage_entry> stages);

  std::unique_ptr<segment_relay> relay;
  std::vector<std::unique_ptr<segment>> segments;
};

}  // namespace procx::inline v1::detail
