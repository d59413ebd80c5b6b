#pragma once

#include <procx/version.hpp>

#include <procx/detail/error/outcome_iterator.hpp>
#include <procx/exchange/exchange.hpp>

#include <deque>
#include <iterator>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// An exchange whose results are taken in the order in which their tasks were started, one by one or by number.
///
/// `m[i]` and `m.slice(a, b)` wait for what is asked and keep it; iteration gives results away, and a number that was
/// given away, or never started, is std::out_of_range. A failed task throws when its result is asked for. `continuous`
/// makes no sense here and throws std::invalid_argument.
/// \code
/// px::map<int> m({.limit = 4, .reuse = true});
/// for (int r : m(px::make_reusable(square), numbers)) std::cout << r << '\n';
/// \endcode
template <class T>
class map : public exchange {
 public:
  using value_type = T;

  explicit map(exchange_options const& options = {}) : exchange(checked(options)) {}
  template <detail::has_executor Executor>
  explicit map(Executor&& executor, exchange_options const& options = {})
      : exchange(std::forward<Executor>(executor), checked(options)) {}
  ~map() override = default;

  /// Starts the callable once for each element of the range; elements that are tuples are spread over its parameters. A
  /// callable that takes no channel is wrapped. Returns the map itself.
  template <class F, std::ranges::input_range Range>
  map& operator()(F fn, Range&& inputs) {
    using element = std::ranges::range_reference_t<Range>;
    if constexpr (takes_channel<F, element>) {
      auto const managed = this->manage(std::move(fn));
      for (auto&& input : inputs) spread(managed, std::forward<decltype(input)>(input));
    } else {
      auto const managed = this->manage(make_reusable(std::move(fn)));
      for (auto&& input : inputs) spread(managed, std::forward<decltype(input)>(input));
    }
    return *this;
  }

  /// Waits for the result of the i-th task.
  T& operator[](std::size_t i) { return outcome_of(i).value(); }
  /// Waits for the results [first, last), or up to the last that was started, and copies them.
  std::vector<T> slice(std::size_t first, std::size_t last) {
    std::vector<T> some;
    for (std::size_t i = first; i < last && i < this->started(); ++i) some.push_back((*this)[i]);
    return some;
  }
  /// How the i-th task ended.
  outcome<T>& outcome_of(std::size_t i) {
    if (i < first_) throw std::out_of_range("the result was given away by iteration");
    if (i >= this->started()) throw std::out_of_range("there are not that many tasks");
    wanted_ = i;
    while (!there(i) && this->unfinished()) this->wait_for_result();
    wanted_ = first_;
    if (!there(i)) throw std::out_of_range("the task was taken out of the map");
    return *results_[i - first_];
  }

  auto begin() { return detail::outcome_iterator<map, T, T>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }
  /// Successes and failures alike, in order: a range of `outcome<T>`.
  auto outcomes() { return detail::outcome_view<map, T>(*this); }

  /// The next result in order; empty when there are no more. Completion:
  /// `void(std::exception_ptr, std::optional<T>)`. One at a time. Cancellation loses no result.
  template <class Token>
  auto async_next(Token&& token) {
    drop_current();
    return this->template async_take<T>([this] { return take(); }, std::forward<Token>(token));
  }

  /// The next outcome in order, valid until the next one is asked for; null when there are no more.
  outcome<T>* next_outcome() {
    drop_current();
    wanted_ = first_;
    while (first_ < this->started() && !there(first_) && this->unfinished()) this->wait_for_result();
    return take();
  }

 protected:
  void store_data(channel& from) override {
    std::size_t const index = this->index_of(from);
    try {
      place(index).emplace(index, from.receive<T>());
    } catch (end_of_channel const&) {
      place(index).emplace(index, this->no_result(from));
    } catch (...) {
      place(index).emplace(index, std::current_exception());
    }
  }
  void store_end(channel& from) override {
    std::size_t const index = this->index_of(from);
    place(index).emplace(index, this->no_result(from));
  }
  bool has_result() const override { return there(wanted_); }

 private:
  template <class F, class Element>
  static constexpr bool takes_channel = std::is_invocable_v<F&, channel&, std::decay_t<Element>&> || [] {
    if constexpr (requires { std::tuple_size<std::decay_t<Element>>::value; })
      return []<class... E>(std::tuple<E...>*) {
        return std::is_invocable_v<F&, channel&, E&...>;
      }(static_cast<decltype(std::tuple_cat(std::declval<std::decay_t<Element>>()))*>(nullptr));
    else
      return false;
  }();

  template <class Managed, class Element>
  static void spread(Managed const& managed, Element&& element) {
    if constexpr (requires { std::tuple_size<std::decay_t<Element>>::value; })
      std::apply(managed, std::forward<Element>(element));
    else
      managed(std::decay_t<Element>(std::forward<Element>(element)));
  }

  static exchange_options const& checked(exchange_options const& options) {
    if (options.continuous) throw std::invalid_argument("a map has one result a task: it cannot be continuous");
    return options;
  }
  bool there(std::size_t i) const { return i >= first_ && i - first_ < results_.size() && results_[i - first_]; }
  std::optional<outcome<T>>& place(std::size_t index) {
    if (index - first_ >= results_.size()) results_.resize(index - first_ + 1);
    return results_[index - first_];
  }
  outcome<T>* take() {
    drop_current();
    if (!this->unfinished())  // what is missing now was taken out by hand
      while (first_ < this->started() && !there(first_)) drop_first();
    if (!there(first_)) return nullptr;
    holding_ = true;
    return &*results_.front();
  }
  void drop_current() {
    if (std::exchange(holding_, false)) drop_first();
  }
  void drop_first() {
    if (!results_.empty()) results_.pop_front();
    wanted_ = ++first_;
  }

  std::deque<std::optional<outcome<T>>> results_;  // [0] is that of task first_
  std::size_t first_ = 0;
  std::size_t wanted_ = 0;
  bool holding_ = false;  // the first one was given out by iteration, and is kept until the next
};

}  // namespace procx::inline v1
