#pragma once

#include <procx/version.hpp>

#include <procx/detail/background/collector.hpp>
#include <procx/detail/error/outcome_iterator.hpp>
#include <procx/error/outcome.hpp>
#include <procx/wire/codec.hpp>

#include <cstddef>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

namespace procx::inline v1 {

namespace detail {

/// What has arrived as an outcome.
template <class T>
void decode_arrived(collector::arrived const& a, std::size_t index, std::optional<outcome<T>>& into) {
  if (a.error) {
    into.emplace(index, a.error);
    return;
  }
  try {
    into.emplace(index, decode<T>(a.bytes));
  } catch (...) {
    into.emplace(index, std::current_exception());
  }
}

}  // namespace detail

/// The results of the background process at an address: a range that is gone through once, in the order in which they were sent.
///
/// A result counts as taken when the iterator moves on from it: it is acknowledged then, and kept by the process until then.
/// Several clients of one address share the results. Iteration ends when all are taken and the process has removed its socket;
/// whoever leaves before (`break`, an exception) leaves the current one and those behind it to the next client. A failure
/// throws when its result is dereferenced: remote_exception if the callable threw, process_died if it crashed,
/// connection_error if the background process itself was killed. Going on with `++` is possible.
///
/// Values travel in the native form: the other program must mean the same types, or a protocol_error is thrown in place. Not
/// thread-safe on one object. Cost: a system call or two for each result.
template <class T>
class background_queue {
 public:
  using value_type = T;

  explicit background_queue(std::filesystem::path address) : address_(std::move(address)) {}

  /// Connects, and waits for the first result. Throws connection_error if nobody listens at the address.
  auto begin() { return detail::outcome_iterator<background_queue, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Successes and failures alike: a range of `outcome<T>`; `index()` counts what was sent, from 0.
  auto outcomes() { return detail::outcome_view<background_queue, T>(*this); }

  /// Acknowledges the one before and waits for the next result; empty when all are taken. Throws what it failed with.
  std::optional<T> next() {
    outcome<T>* const result = next_outcome();
    if (!result) return std::nullopt;
    return std::move(*result).value();
  }

  /// As `next`; valid until the next one is asked for, null when `next` would be empty.
  outcome<T>* next_outcome() {
    if (!connected_) from_.connect(address_), connected_ = true;
    current_.reset();
    auto const a = from_.next();
    if (!a) return nullptr;
    detail::decode_arrived(*a, static_cast<std::size_t>(a->index), current_);
    return &*current_;
  }

 private:
  std::filesystem::path address_;
  detail::collector from_;
  bool connected_ = false;
  std::optional<outcome<T>> current_;
};

}  // namespace procx::inline v1
