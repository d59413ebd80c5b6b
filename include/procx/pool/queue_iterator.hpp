#pragma once

#include <procx/error/outcome.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// Iterates over the outcomes that several consumers take from one queue: each iterator keeps the one it has taken.
/// `queue.next_outcome(at)` waits for one, and leaves none at the end. As `Value` either `T`, where dereferencing a failure
/// throws it, or `outcome<T>` itself.
template <class Queue, class T, class Value>
class queue_iterator {
 public:
  using value_type = Value;
  using difference_type = std::ptrdiff_t;

  explicit queue_iterator(Queue& queue) : queue_(&queue) { queue.next_outcome(at_); }
  queue_iterator(queue_iterator&&) = default;
  queue_iterator& operator=(queue_iterator&&) = default;

  Value& operator*() const {
    if constexpr (std::is_same_v<Value, T>)
      return at_->value();
    else
      return *at_;
  }
  queue_iterator& operator++() {
    queue_->next_outcome(at_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(queue_iterator const& i, std::default_sentinel_t) noexcept { return !i.at_; }

 private:
  Queue* queue_;
  mutable std::optional<outcome<T>> at_;
};

/// A range of outcomes.
template <class Queue, class T>
class queue_outcomes {
 public:
  explicit queue_outcomes(Queue& queue) noexcept : queue_(&queue) {}
  auto begin() const { return queue_iterator<Queue, T, outcome<T>>(*queue_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Queue* queue_;
};

}  // namespace procx::inline v1::detail
