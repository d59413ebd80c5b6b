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

/// Decodes a result, or passes on its failure.
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

/// The results of the background process at an address, as a range in the order of sending. One pass only.
///
/// A result is acknowledged when the iterator moves on to the next one; until then the process keeps it. Results that were not
/// acknowledged when this object is destroyed, or when this program is killed, go to the next client. Several clients of one
/// address share the results. The range ends when all results are acknowledged and the process has removed its socket.
///
/// Dereferencing a failed result throws: remote_exception if the callable threw, process_died if it crashed, connection_error
/// if the background process was killed, protocol_error if the bytes are not a `T`. `++` is possible after each of them.
///
/// Values are in the native form: both programs need the same definition of `T`. Not thread-safe on one object. Waiting blocks
/// without a time limit and cannot be cancelled. In a forked child of the user's own every operation throws
/// (errc::foreign_process). Cost: one or two system calls for each result.
template <class T>
class background_queue {
 public:
  using value_type = T;

  explicit background_queue(std::filesystem::path address) : address_(std::move(address)) {}

  /// Connects and waits for the first result. Throws connection_error if no process listens at the address, or if it belongs to
  /// another user than this one and root.
  auto begin() { return detail::outcome_iterator<background_queue, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// A range of `outcome<T>`, with successes and failures. `index()` is the number of the result, from 0 in the order of
  /// sending.
  auto outcomes() { return detail::outcome_view<background_queue, T>(*this); }

  /// Acknowledges the previous result and waits for the next one. Empty after the last. Throws the failure if it is one.
  std::optional<T> next() {
    outcome<T>* const result = next_outcome();
    if (!result) return std::nullopt;
    return std::move(*result).value();
  }

  /// As `next`, without throwing failures of results. Null after the last. Valid until the next call.
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
