#pragma once

#include <procx/version.hpp>

#include <procx/detail/error/outcome_iterator.hpp>
#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/pool/pmap_engine.hpp>
#include <procx/detail/pool/outcome_slots.hpp>
#include <procx/detail/pool/spread.hpp>
#include <procx/detail/wire/plain.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// The results of a callable applied to the elements of a range in worker processes; see `pmap`.
///
/// A lazily drawn range, to be iterated once: inputs are drawn as results are taken, at most some thousands ahead, so
/// that any number of inputs runs in constant memory. `[i]` waits for one result and keeps it, and those before it;
/// iteration gives them away. A task that failed throws when its result is asked for: what it threw as
/// `remote_exception`, the death of its process as `process_died`, `task_timeout`; the others are not affected.
/// `outcomes()` gives successes and failures alike.
///
/// Not thread-safe. Work goes on only while the caller waits for a result; results that have come in between are
/// there at once. The workers end when there is the last result; if it is destroyed before, they are killed.
template <class F, std::ranges::view Inputs>
class parallel_map {
  using input = detail::range_element<Inputs>;

 public:
  using value_type = detail::result_type<typename detail::spread_call<F, input>::result>;
  using outcome_type = outcome<value_type>;

  parallel_map(F fn, Inputs inputs, pmap_options const& options)
      : state_(std::make_unique<state>(std::move(fn), std::move(inputs), options)) {}

  /// Iterates over the values; dereferencing throws what a failed task ended with.
  auto begin() { return iterator<value_type>(*state_); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Waits for the result of the i-th input. Throws std::out_of_range if there are not that many, or it was given away
  /// by iteration; sequence_error if the results are not ordered.
  value_type& operator[](std::size_t i) { return state_->at(i).value(); }
  /// The same without the value: how the i-th task ended.
  outcome_type const& outcome_of(std::size_t i) { return state_->at(i); }

  /// All results that have not been given away. Throws the first failure in the order of the results.
  std::vector<value_type> to_vector() {
    std::vector<value_type> all;
    for (auto& value : *this) all.push_back(std::move(value));
    return all;
  }

  /// The range of `outcome`s, which never throws for a failed task.
  class outcome_range;
  outcome_range outcomes() & { return outcome_range(*state_); }
  outcome_range outcomes() && { return outcome_range(std::move(state_)); }

 private:
  class state;
  template <class Value>
  using iterator = detail::outcome_iterator<state, value_type, Value>;

  std::unique_ptr<state> state_;
};

template <class F, std::ranges::view Inputs>
class parallel_map<F, Inputs>::state final : public detail::pmap_source {
  using call = detail::spread_call<F, input>;
  using reference = std::ranges::range_reference_t<Inputs>;

 public:
  state(F fn, Inputs inputs, pmap_options const& options)
      : inputs_(std::move(inputs)),
        ordered_(options.ordered),
        engine_(options, &call::run, std::make_shared<F>(std::move(fn)), *this) {
    call::describe();
  }

  detail::supply inputs_come() const noexcept override { return detail::supply_of<Inputs>; }
  drawn fetch(std::exception_ptr& why) override {
    return take_next([&](auto&& input) { fetched_.emplace(std::forward<decltype(input)>(input)); }, why);
  }
  void write_fetched(output_archive& out) override {
    call::encode(out, *fetched_);
    fetched_.reset();
  }
  std::size_t plain_bytes() const noexcept override { return call::plain_bytes; }
  drawn draw_plain([[maybe_unused]] std::byte* to, [[maybe_unused]] std::size_t most, [[maybe_unused]] std::size_t& count,
                   [[maybe_unused]] std::exception_ptr& why) override {
    if constexpr (call::plain_bytes > 0) {
      auto const write = [&](auto&& input) {
        call::write(detail::write_plain(to, std::uint64_t{call::plain_bytes}), input);
        to += detail::arguments_length_size + call::plain_bytes;
      };
      for (; count < most; ++count)
        if (drawn const what = take_next(write, why); what != drawn::input) return what;
    }
    return drawn::input;
  }
  std::size_t inputs_left() override {
    if constexpr (std::ranges::sized_range<Inputs>)
      return static_cast<std::size_t>(std::ranges::size(inputs_)) - taken_;
    else
      return ~std::size_t{0};
  }
  void store_value(std::size_t index, detail::encoded_value const& value) override {
    auto& outcome = place(index);
    try {
      detail::with_room_for<value_type>([&] { outcome.emplace(index, decode<value_type>(value)); });
    } catch (...) {
      outcome.emplace(index, std::current_exception());
    }
  }
  void store_values(std::size_t first, detail::value_series const& values) override {
    for (std::size_t i = 0; i < values.count; ++i) store_value(first + i, values.payload(i));
  }
  void store_failure(std::size_t index, std::exception_ptr error) override {
    place(index).emplace(index, std::move(error));
  }

  /// The next outcome in turn; null at the end. Valid until the next call.
  outcome_type* next_outcome() {
    if (std::exchange(holding_, false)) {
      kept_.pop_front();
      ++first_;
      ++given_away_;
    }
    auto const is_there = [this] { return kept_.is_filled(0); };
    if (!is_there()) {  // else no need to look after the workers: they have enough to do for a while
      engine_.released(std::exchange(given_away_, 0));
      if (!engine_.run_until(is_there)) return nullptr;
    }
    holding_ = true;
    return &*kept_.front();
  }

  outcome_type& at(std::size_t i) {
    if (!ordered_) throw sequence_error("results without an order have no places: pmap with .ordered = false");
    if (i < first_) throw std::out_of_range("the result was given away by iteration");
    auto const is_there = [&] { return kept_.is_filled(i - first_); };
    if (!engine_.run_until(is_there, i + 1)) throw std::out_of_range("there are not that many results");
    return *kept_[i - first_];
  }

 private:
  /// Has `use` use the next input, if there is one: what it throws is that input's failure.
  template <class Use>
  drawn take_next(Use&& use, std::exception_ptr& why) {
    if (!at_)
      at_.emplace(std::ranges::begin(inputs_));
    else if (passed_)
      ++*at_;
    passed_ = false;
    if (*at_ == std::ranges::end(inputs_)) return drawn::nothing;
    drawn what = drawn::input;
    try {
      use(**at_);
    } catch (...) {
      why = std::current_exception();
      what = drawn::failure;
    }
    passed_ = true;  // going on may throw: that costs the next input, not this one
    ++taken_;
    return what;
  }

  /// Where an outcome goes: ordered, its place; else behind those that came before it.
  std::optional<outcome_type>& place(std::size_t index) { return kept_[ordered_ ? index - first_ : kept_.size()]; }

  Inputs inputs_;
  std::optional<std::ranges::iterator_t<Inputs>> at_;
  bool passed_ = false;  // the element there
  std::size_t taken_ = 0;
  // The input that was fetched last; refers to it if the range does.
  std::optional<std::conditional_t<std::is_lvalue_reference_v<reference>, std::reference_wrapper<std::remove_reference_t<reference>>,
                                   std::remove_cvref_t<reference>>>
      fetched_;
  bool ordered_;
  detail::outcome_slots<outcome_type> kept_;  // [0] is the outcome of task first_
  std::size_t first_ = 0;
  std::size_t given_away_ = 0;  // since the engine was told
  bool holding_ = false;  // the first one was given out by iteration, and is kept until the next
  detail::pmap_engine engine_;  // last: its workers use all of the above
};

template <class F, std::ranges::view Inputs>
class parallel_map<F, Inputs>::outcome_range {
 public:
  explicit outcome_range(state& s) noexcept : state_(&s) {}
  explicit outcome_range(std::unique_ptr<state> s) noexcept : owned_(std::move(s)), state_(owned_.get()) {}

  auto begin() { return iterator<outcome_type>(*state_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::unique_ptr<state> owned_;
  state* state_;
};

/// Applies the callable to every element of the range, in worker processes, as `std::transform` would here.
///
/// The callable may be anything that can be called, with whatever it captures: the workers inherit it as it is now.
/// Elements that are tuples (or pairs) are spread over its parameters, unless it takes them whole. A range given as an
/// lvalue is referred to, and must outlive the result; elements must be serializable, results too.
/// The range is gone through on this thread, while the caller waits for a result. A container, and what is counted or computed
/// at once, is drawn from some thousands of elements ahead. From a range that takes its time, or can be gone through only once,
/// an element is taken when a worker has nothing to do (or room in its `window`, if that is given), those before it have been
/// sent, and results that have come were given. So such a range may wait for a result: with `window = 1` any range may, once
/// there are as many inputs under way as there are workers. While a range blocks, nothing else goes on here: no result is
/// taken, no line printed, and no time limit heeded. docs/pools.md says more.
/// Throws `boost::system::system_error` if no process can be created.
/// Cost: about a millisecond to start, more from a large process; then some tenths of a microsecond a task.
/// \code
/// for (double area : px::pmap(measure, pictures)) total += area;
/// \endcode
template <class F, std::ranges::viewable_range Range>
[[nodiscard("nothing runs unless its results are taken: iterate over them, call to_vector, or use px::for_each")]]
auto pmap(F fn, Range&& inputs, pmap_options const& options = {}) {
  using inputs_view = std::views::all_t<Range>;
  if constexpr (detail::can_be_mapped<F, detail::range_element<inputs_view>>)
    return parallel_map<F, inputs_view>(std::move(fn), std::views::all(std::forward<Range>(inputs)), options);
  else
    return (void)sizeof(detail::complaint_about_mapped<F, detail::range_element<inputs_view>>),
           std::vector<detail::any_value>();
}

}  // namespace procx::inline v1
