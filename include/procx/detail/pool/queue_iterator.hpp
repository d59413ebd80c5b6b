#pragma once

#include <procx/error/outcome.hpp>
#include <procx/detail/pool/queue_core.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// One loop over a queue, for as long as it runs. The queue may go before it.
class queue_loop {
 public:
  explicit queue_loop(queue_core& queue) : queue_(queue.begin_loop()) {}
  queue_loop(queue_loop&&) noexcept = default;
  queue_loop& operator=(queue_loop&&) = delete;
  ~queue_loop() { end(false); }

  /// `left`: before the end of the queue.
  void end(bool left) noexcept { queue_core::end_loop(std::exchange(queue_, {}), left); }
  void swap(queue_loop& other) noexcept { queue_.swap(other.queue_); }

 private:
  std::weak_ptr<void> queue_;
};

/// Iterates over the outcomes that several consumers take from one queue: each iterator keeps the one it has taken.
/// `queue.next_outcome(at)` waits for one, and leaves none at the end. If the iterator goes before, its loop was left.
/// As `Value` either `T`, where dereferencing a failure throws it, or `outcome<T>` itself.
template <class Queue, class T, class Value>
class queue_iterator {
 public:
  using value_type = Value;
  using difference_type = std::ptrdiff_t;

  /// The loop counts before there is anything to take: if another is left meanwhile, it is not the last.
  queue_iterator(Queue& queue, queue_core& core) : queue_(&queue), loop_(core) { queue.next_outcome(at_); }
  queue_iterator(queue_iterator&&) = default;
  queue_iterator& operator=(queue_iterator&& other) noexcept {
    std::swap(queue_, other.queue_);
    loop_.swap(other.loop_);
    at_.swap(other.at_);
    return *this;
  }
  ~queue_iterator() { loop_.end(at_.has_value()); }

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
  queue_loop loop_;
  mutable std::optional<outcome<T>> at_;
};

/// A range of outcomes.
template <class Queue, class T>
class queue_outcomes {
 public:
  queue_outcomes(Queue& queue, queue_core& core) noexcept : queue_(&queue), core_(&core) {}
  auto begin() const { return queue_iterator<Queue, T, outcome<T>>(*queue_, *core_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Queue* queue_;
  queue_core* core_;
};

}  // namespace procx::inline v1::detail
