#pragma once

#include <procx/version.hpp>

#include <procx/error/exceptions.hpp>

#include <cassert>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace procx::inline v1 {

/// How one task ended: with a value, or with the reason why there is none.
///
/// Every task has exactly one. `T` need not be default-constructible. Not thread-safe on one object.
/// \code
/// for (px::outcome<int> const& o : px::pmap(parse, files).outcomes())
///   if (o) total += *o;
///   else std::cerr << files[o.index()] << ": " << o.what() << '\n';
/// \endcode
template <class T>
class outcome {
 public:
  using value_type = T;

  outcome(std::size_t index, T value) : index_(index), state_(std::in_place_index<0>, std::move(value)) {}
  outcome(std::size_t index, std::exception_ptr error) noexcept
      : index_(index), state_(std::in_place_index<1>, std::move(error)) {}

  /// Which task this was: its place, from 0, in the order the tasks were given.
  std::size_t index() const noexcept { return index_; }

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; throws the error if there is none.
  T& value() & { return check(), std::get<0>(state_); }
  T const& value() const& { return check(), std::get<0>(state_); }
  T&& value() && { return check(), std::get<0>(std::move(state_)); }

  /// The value, which must be there.
  T& operator*() & noexcept { return assert(has_value()), *std::get_if<0>(&state_); }
  T const& operator*() const& noexcept { return assert(has_value()), *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return assert(has_value()), std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  T const* operator->() const noexcept { return std::get_if<0>(&state_); }

  /// The reason why there is no value; null if there is one.
  std::exception_ptr error() const noexcept { return has_value() ? nullptr : *std::get_if<1>(&state_); }
  /// The reason as a sentence; empty if there is a value.
  std::string what() const;

 private:
  void check() const {
    if (!has_value()) std::rethrow_exception(*std::get_if<1>(&state_));
  }

  std::size_t index_;
  std::variant<T, std::exception_ptr> state_;
};

/// What `what()` of the exception says; a plain phrase for one that is no `std::exception`, empty for none.
std::string message_of(std::exception_ptr const& error);

template <class T>
std::string outcome<T>::what() const {
  return message_of(error());
}

}  // namespace procx::inline v1
