#pragma once

#include <procx/error/outcome.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>

namespace procx::inline v1::detail {

/// Iterates once over what an owner gives one at a time: `outcome<T>* owner.next_outcome()`, null at the end, valid
/// until the next call. As `Value` either `T`, where dereferencing a failure throws it, or `outcome<T>` itself.
template <class Owner, class T, class Value>
class outcome_iterator {
 public:
  using value_type = Value;
  using difference_type = std::ptrdiff_t;

  explicit outcome_iterator(Owner& owner) : owner_(&owner), at_(owner.next_outcome()) {}
  outcome_iterator(outcome_iterator&&) = default;
  outcome_iterator& operator=(outcome_iterator&&) = default;

  Value& operator*() const {
    if constexpr (std::is_same_v<Value, T>)
      return at_->value();
    else
      return *at_;
  }
  outcome_iterator& operator++() {
    at_ = owner_->next_outcome();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(outcome_iterator const& i, std::default_sentinel_t) noexcept { return !i.at_; }

 private:
  Owner* owner_;
  outcome<T>* at_;
};

/// The outcomes of an owner that lives elsewhere.
template <class Owner, class T>
class outcome_view {
 public:
  explicit outcome_view(Owner& owner) noexcept : owner_(&owner) {}
  auto begin() const { return outcome_iterator<Owner, T, outcome<T>>(*owner_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Owner* owner_;
};

}  // namespace procx::inline v1::detail
