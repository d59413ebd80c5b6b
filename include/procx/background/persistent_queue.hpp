#pragma once

#include <procx/version.hpp>

#include <procx/background/background_queue.hpp>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

namespace procx::inline v1 {

/// The results of many background processes, as one range in the order of arrival. One pass only.
///
/// Each address behaves as in `background_queue`. A failure at one address is one failed result of the range, and the other
/// addresses go on. The range ends when every address has ended. `connect` is allowed at any time; after the end it starts a
/// new range. Not thread-safe on one object. Waiting blocks without a time limit and cannot be cancelled.
/// \code
/// px::persistent_queue<int> q;
/// for (auto const& socket : sockets) q.connect(socket);
/// for (int r : q) total += r;
/// \endcode
template <class T>
class persistent_queue {
 public:
  using value_type = T;

  /// Throws connection_error if no process listens at the address, or if it belongs to another user than this one and root.
  void connect(std::filesystem::path const& address) { from_.connect(address); }

  auto begin() { return detail::outcome_iterator<persistent_queue, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// A range of `outcome<T>`, with successes and failures. `index()` is the number of the address, from 0 in the order of
  /// connecting.
  auto outcomes() { return detail::outcome_view<persistent_queue, T>(*this); }
  /// The address with this number. Throws std::out_of_range.
  std::filesystem::path const& address(std::size_t index) const { return from_.address(index); }

  /// Acknowledges the previous result and waits for the next one. Empty after the last. Throws the failure if it is one.
  std::optional<T> next() {
    outcome<T>* const result = next_outcome();
    if (!result) return std::nullopt;
    return std::move(*result).value();
  }

  /// As `next`, without throwing failures of results. Null after the last. Valid until the next call.
  outcome<T>* next_outcome() {
    current_.reset();
    auto const a = from_.next();
    if (!a) return nullptr;
    detail::decode_arrived(*a, a->source, current_);
    return &*current_;
  }

 private:
  detail::collector from_;
  std::optional<outcome<T>> current_;
};

}  // namespace procx::inline v1
