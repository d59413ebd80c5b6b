#pragma once

#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/detail/pool/submission.hpp>
#include <procx/wire/codec.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>

namespace procx::inline v1 {

/// Passed to `as_completed`: items that have failed are passed over.
struct skip_failures_type {};
inline constexpr skip_failures_type skip_failures{};

namespace detail {

/// The results of a pipeline as an input range. What was taken out of the pipeline and not read goes back at its end.
template <class Result>
class result_range : public std::ranges::view_interface<result_range<Result>> {
 public:
  using value_type = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  class iterator {
   public:
    using value_type = typename result_range::value_type;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    explicit iterator(result_range& range) noexcept : range_(&range) {}
    value_type& operator*() const { return *range_->current_; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.is_at_end(); }

   private:
    bool is_at_end() const noexcept { return !range_->current_; }

    result_range* range_ = nullptr;
  };

  result_range(pipeline_core& core, bool skips_failures) : core_(&core), skips_failures_(skips_failures) {}
  result_range(result_range&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), skips_failures_(other.skips_failures_), block_(std::move(other.block_)),
        current_(std::move(other.current_)) {}
  result_range& operator=(result_range&&) = delete;
  ~result_range() {
    if (core_) core_->give_back(std::move(block_));
  }

  /// Waits for the first result. Throws what an item has failed with.
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void advance() {
    current_.reset();
    for (;;) {
      if (block_.empty() && !core_->take(block_)) return;
      std::exception_ptr error;
      auto const bytes = block_.take(error);
      if (error && skips_failures_) continue;
      if (error) std::rethrow_exception(error);
      if constexpr (std::is_void_v<Result>)
        current_.emplace();
      else
        current_.emplace(decode<Result>(encoded_value(bytes)));
      return;
    }
  }

  pipeline_core* core_;
  bool skips_failures_;
  result_block block_;
  std::optional<value_type> current_;
};

/// A completion handler that waits for one result.
template <class Value, class Handler>
class awaited_item final : public result_taker {
 public:
  awaited_item(Handler handler, handler_home& home) : handler_(std::move(handler), home) {}

  void complete(std::exception_ptr error, std::span<std::byte const> const* bytes) override {
    std::optional<Value> value;
    if (!error && bytes) try {
        if constexpr (std::is_same_v<Value, std::monostate>)
          value.emplace();
        else
          value.emplace(decode<Value>(encoded_value(*bytes)));
      } catch (...) {
        error = std::current_exception();
      }
    handler_.post(std::move(error), std::move(value));
  }

 private:
  posting_handler<Handler> handler_;
};

}  // namespace detail
}  // namespace procx::inline v1
