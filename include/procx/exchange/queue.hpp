#pragma once

#include <procx/version.hpp>

#include <procx/detail/error/outcome_iterator.hpp>
#include <procx/exchange/exchange.hpp>

#include <deque>
#include <iterator>
#include <optional>
#include <utility>

namespace procx::inline v1 {

/// An exchange whose results are taken like the elements of a range, as they arrive.
///
/// Each task that was started gives one result, or, if `continuous`, as many as it sends. Iteration ends when nothing is
/// active or waiting and all results are taken; what is started later can be iterated over again. A failed task throws
/// when its result is dereferenced, once; going on with `++` is possible.
/// \code
/// px::queue<int> q({.limit = 10});
/// for (int n : numbers) q.start(px::make_parallel(square), n);
/// for (int r : q) std::cout << r << '\n';
/// \endcode
template <class T>
class queue : public exchange {
 public:
  using value_type = T;
  using exchange::exchange;
  ~queue() override = default;

  /// The results that have arrived and were not taken.
  std::size_t size() const noexcept { return results_.size() - holding_; }
  bool empty() const noexcept { return size() == 0; }

  auto begin() { return detail::outcome_iterator<queue, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Successes and failures alike: a range of `outcome<T>`; `index()` counts the tasks in the order of starting.
  auto outcomes() { return detail::outcome_view<queue, T>(*this); }

  /// The next result; empty when nothing is active or waiting and all results are taken. Throws what the task failed
  /// with.
  std::optional<T> next() {
    outcome<T>* const result = next_outcome();
    if (!result) return std::nullopt;
    return std::move(*result).value();
  }

  /// As `next`. Completion: `void(std::exception_ptr, std::optional<T>)`. One at a time. Cancellation loses no result.
  template <class Token>
  auto async_next(Token&& token) {
    return this->template async_take<T>([this] { return take(); }, std::forward<Token>(token));
  }

  /// The next outcome, valid until the next one is asked for; null when `next` would be empty.
  outcome<T>* next_outcome() {
    drop_current();
    if (results_.empty()) wait_for_result();
    return take();
  }

 protected:
  void store_data(channel& from) override {
    std::size_t const index = index_of(from);
    try {
      results_.emplace_back(index, from.receive<T>());
    } catch (end_of_channel const&) {
      results_.emplace_back(index, no_result(from));
    } catch (...) {
      results_.emplace_back(index, std::current_exception());
    }
  }
  void store_end(channel& from) override { results_.emplace_back(index_of(from), no_result(from)); }
  bool has_result() const override { return !empty(); }

 private:
  outcome<T>* take() {
    drop_current();
    if (results_.empty()) return nullptr;
    holding_ = true;
    return &results_.front();
  }
  void drop_current() noexcept {
    if (std::exchange(holding_, false)) results_.pop_front();
  }

  std::deque<outcome<T>> results_;
  bool holding_ = false;  // the first one was given out, and is kept until the next
};

}  // namespace procx::inline v1
