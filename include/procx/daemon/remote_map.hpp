#pragma once

#include <procx/version.hpp>

#include <procx/detail/daemon/call_answer.hpp>
#include <procx/detail/daemon/client_core.hpp>
#include <procx/detail/daemon/function_name.hpp>
#include <procx/detail/error/outcome_iterator.hpp>
#include <procx/error/outcome.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// The results of a function of a daemon applied to the elements of a range, in order: what `connection::pmap` gives.
///
/// A lazily drawn range, to be iterated once. Inputs are drawn as results are taken, at most 1,024 ahead (and no more than the
/// daemon takes), so that any number of inputs runs in constant memory. A call that failed throws when its result is asked for;
/// `outcomes()` gives successes and failures alike. What the range throws is thrown after the results of what it gave before.
/// If it is destroyed before the end, calls that have not begun are dropped. Not thread-safe; the connection may be used by
/// others meanwhile. Waiting cannot be cancelled.
template <class R, std::ranges::view Inputs, class... P>
class remote_map {
 public:
  using value_type = detail::result_type<R>;

  remote_map(detail::client_core& core, std::string name, Inputs inputs)
      : state_(std::make_unique<state>(core, std::move(name), std::move(inputs))) {}

  auto begin() { return detail::outcome_iterator<state, value_type, value_type>(*state_); }
  std::default_sentinel_t end() const noexcept { return {}; }
  /// A range of `outcome`s, which never throws for a failed call. This object must outlive it.
  auto outcomes() { return detail::outcome_view<state, value_type>(*state_); }

  /// All results that were not taken. Throws the first failure.
  std::vector<value_type> to_vector() {
    std::vector<value_type> all;
    for (auto& value : *this) all.push_back(std::move(value));
    return all;
  }

 private:
  class state;
  std::unique_ptr<state> state_;
};

template <class R, std::ranges::view Inputs, class... P>
class remote_map<R, Inputs, P...>::state {
 public:
  state(detail::client_core& core, std::string name, Inputs inputs)
      : core_(core), name_(std::move(name)), inputs_(std::move(inputs)), window_(std::min<std::size_t>(core.window(), 1024)) {}
  state(state const&) = delete;
  state& operator=(state const&) = delete;
  ~state() {
    for (call const& c : calls_)
      if (!c.slot->done) core_.cancel(c.id, boost::asio::cancellation_type::total);
  }

  /// The next outcome in turn; null at the end. Valid until the next call.
  outcome<value_type>* next_outcome() {
    current_.reset();
    if (calls_.size() <= window_ / 2) draw();
    if (calls_.empty()) {
      if (auto const why = std::exchange(range_error_, nullptr)) std::rethrow_exception(why);
      return nullptr;
    }
    call const next = std::move(calls_.front());
    calls_.pop_front();
    core_.wait(next.slot->done);
    if (next.slot->error)
      current_.emplace(index_, next.slot->error);
    else
      current_.emplace(index_, std::move(*next.slot->value));
    ++index_;
    return &*current_;
  }

 private:
  struct call {
    std::uint64_t id;
    std::shared_ptr<detail::answer_slot<R>> slot;
  };

  /// Begins calls until the window is full, and sends them together.
  void draw() {
    if (range_error_ || over_) return;
    try {
      for (; calls_.size() < window_ && has_next(); passed_ = true) begin(**at_);
    } catch (...) {
      range_error_ = std::current_exception();
    }
    core_.flush();
  }

  bool has_next() {
    if (!at_)
      at_.emplace(std::ranges::begin(inputs_));
    else if (std::exchange(passed_, false))
      ++*at_;
    over_ = *at_ == std::ranges::end(inputs_);
    return !over_;
  }

  template <class Element>
  void begin(Element&& element) {
    auto slot = std::make_shared<detail::answer_slot<R>>();
    std::uint64_t id = 0;
    slot->error = detail::failure_of([&] {
      auto const c = encode(element);
      id = core_.begin_later(c.get(), std::make_unique<detail::slot_operation<R>>(slot));
    });
    if (slot->error) slot->done = true;
    calls_.push_back({id, std::move(slot)});
  }

  template <class Element>
  detail::encoded_call encode(Element const& element) const {
    if constexpr (sizeof...(P) == 1)
      return detail::encoded_call::of<R, P...>(name_, element);
    else
      return std::apply([&](auto const&... args) { return detail::encoded_call::of<R, P...>(name_, args...); }, element);
  }

  detail::client_core& core_;
  std::string const name_;
  Inputs inputs_;
  std::size_t const window_;
  std::optional<std::ranges::iterator_t<Inputs>> at_;
  bool passed_ = false;  // the element there
  bool over_ = false;
  std::deque<call> calls_;
  std::exception_ptr range_error_;
  std::size_t index_ = 0;
  std::optional<outcome<value_type>> current_;
};

}  // namespace procx::inline v1
