#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/task_description.hpp>
#include <procx/detail/pool/call_checks.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/pool/plain_item.hpp>
#include <procx/wire/travel.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

/// A callable and its arguments, to be called later in another process: what `px::call` makes.
template <class F, class... Args>
struct bound_call {
  F fn;
  std::tuple<Args...> arguments;
};

/// Puts a callable and its arguments together, as `std::bind` does; for `process_pool::async_submit`.
template <class F, class... Args>
auto call(F fn, Args&&... args) {
  return bound_call<F, detail::sent_type<Args>...>{std::move(fn), {std::forward<Args>(args)...}};
}

/// A callable that the workers of one pool have inherited, whatever it captured; see `process_pool::add`.
template <class F>
class pooled_callable {
 public:
  pooled_callable(std::uint32_t place, std::weak_ptr<void> pool) : place_(place), pool_(std::move(pool)) {}
  std::uint32_t place() const noexcept { return place_; }
  /// Whether that pool is this one.
  bool is_of(std::weak_ptr<void> const& pool) const noexcept {
    return !pool_.owner_before(pool) && !pool.owner_before(pool_);
  }

 private:
  std::uint32_t place_;
  std::weak_ptr<void> pool_;
};

namespace detail {

template <class F>
inline constexpr bool is_pooled = false;
template <class F>
inline constexpr bool is_pooled<pooled_callable<F>> = true;

template <class F>
struct called_type {
  using type = F;
};
template <class F>
struct called_type<pooled_callable<F>> {
  using type = F;
};

/// Whether a call can be submitted to a pool: of what travels, or of what stands for it there.
template <class F, class... Sent>
inline constexpr bool can_be_submitted = (is_pooled<F> || travels<F>) && can_be_called<typename called_type<F>::type, Sent...>;
/// The same for its effects alone: what it returns stays there.
template <class F, class... Sent>
inline constexpr bool can_be_posted = (is_pooled<F> || travels<F>) && can_take<typename called_type<F>::type, Sent...>;
template <class F, class... Sent>
consteval auto find_complaint_about_submission() {
  if constexpr (!is_pooled<F> && !travels<F>)
    return std::type_identity<complaint_about_callable<F>>();
  else
    return find_complaint_about_call<typename called_type<F>::type, Sent...>();
}
template <class F, class... Sent>
using complaint_about_submission = typename decltype(find_complaint_about_submission<F, Sent...>())::type;
template <class F, class... Sent>
using submitted_result = call_result<typename called_type<F>::type, Sent...>;

/// What is to come of a call.
enum class wanted { result, only_effects };

/// The task that calls an `F` for what it does: what it returns stays in the worker, and need not be serializable.
template <bool Inherited, class F, class... Args>
void run_for_effects(void* object, input_archive& in, output_archive& result) {
  auto const run = [&](F& fn) {
    auto arguments = make<std::tuple<Args...>>(in);
    call_and_save([&] { static_cast<void>(std::apply(fn, std::move(arguments))); }, result);
  };
  if constexpr (Inherited) {
    run(*static_cast<F*>(object));
  } else {
    auto fn = take_callable<F>(object, in);
    run(fn);
  }
}

/// What runs the task; how it is saved if it fails is known from now on.
template <class F, wanted What, class... A>
task_entry pool_entry(types<A...>) {
  using called = typename called_type<F>::type;
  constexpr task_entry entry = [] {
    if constexpr (What == wanted::only_effects)
      return &run_for_effects<is_pooled<F>, called, A...>;
    else if constexpr (is_pooled<F>)
      return &run_inherited<called, A...>;
    else
      return &run_travelling<called, A...>;
  }();
  describe_once<entry, std::tuple<saved_as<A>...>, std::conditional_t<is_pooled<F>, void, called>>();
  return entry;
}

/// The task: what is called, the callable if it travels, and the arguments. A task that is run once at most may keep what it is
/// given in shared memory.
template <wanted What, class F, class... Args>
auto pool_item(F const& fn, bool run_once, Args const&... arguments) {
  auto const entry = pool_entry<F, What>(arrivals<typename called_type<F>::type, sent_type<Args>...>());
  auto const head = [&] {
    if constexpr (is_pooled<F>)
      return task_head::inherited(fn.place(), entry);
    else
      return task_head::travelling(entry, fn);
  }();
  if constexpr ((is_pooled<F> || has_no_state<F>) && (can_be_kept<sent_type<Args>> && ...))
    return plain_item<sent_type<Args>...>(head, arguments...);
  else
    return encoded_item(head, run_once, [&](output_archive& out) {
      if constexpr (!is_pooled<F>) save_state(out, fn);
      (save_argument(out, arguments), ...);
    });
}

}  // namespace detail
}  // namespace procx::inline v1
