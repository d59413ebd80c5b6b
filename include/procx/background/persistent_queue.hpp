#pragma once

#include <procx/version.hpp>

#include <procx/background/background_queue.hpp>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

namespace procx::inline v1 {

/// The results of any number of background processes, as they come: a range that is gone through once.
///
/// As `background_queue` for each of them; iteration ends when all have given all. What fails at one address is thrown
/// where its result would be, and the others go on. More can be connected meanwhile, and after the end, which can then be
/// iterated over again. Not thread-safe on one object.
/// \code
/// px::persistent_queue<int> q;
/// for (auto const& socket : sockets) q.connect(socket);
/// for (int r : q) total += r;
/// \endcode
template <class T>
class persistent_queue {
 public:
  using value_type = T;

  /// Throws connection_error if nobody listens at the address.
  void connect(std::filesystem::path const& address) { from_.connect(address); }

  auto begin() { return detail::outcome_iterator<persistent_queue, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Successes and failures alike: a range of `outcome<T>`; `index()` is the place of the address, from 0 in the order of
  /// connecting.
  auto outcomes() { return detail::outcome_view<persistent_queue, T>(*this); }
  /// The address with that place.
  std::filesystem::path const& address(std::size_t index) const { return from_.address(index); }

  /// Acknowledges the one before and waits for the next result; empty when all are taken. Throws what it failed with.
  std::optional<T> next() {
    outcome<T>* const result = next_outcome();
    if (!result) return std::nullopt;
    return std::move(*result).value();
  }

  /// As `next`; valid until the next one is asked for, null when `next` would be empty.
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
