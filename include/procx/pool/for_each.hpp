#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/pool/pmap.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

namespace detail {

/// A callable for what it does: what it returns stays where it is.
template <class F>
struct effects_of {
  F fn;

  template <class... Args>
    requires std::is_invocable_v<F&, Args...>
  void operator()(Args&&... args) {
    static_cast<void>(std::invoke(fn, std::forward<Args>(args)...));
  }
};
template <class F>
struct parameters_of<effects_of<F>> : parameters_of<F> {};

}  // namespace detail

/// Calls the callable with every element of the range, in worker processes, for what it does there, and returns when all calls
/// have ended.
///
/// As `pmap` otherwise; what the callable returns, which need not be serializable, is not sent. A call that fails keeps none
/// of the others from being made; then the failure of the first element that has one is thrown, as `pmap` would throw it. To
/// hear of all failures iterate over `pmap(...).outcomes()`. What going on to the next element throws is thrown when the calls
/// before have ended. `ordered` of the options means nothing here. Cost: as `pmap`.
/// \code
/// px::for_each(make_thumbnail, pictures, {.task_timeout = 10s});
/// \endcode
template <class F, std::ranges::viewable_range Range>
void for_each(F fn, Range&& inputs, pmap_options options = {}) {
  using effects = detail::effects_of<F>;
  using element = detail::range_element<std::views::all_t<Range>>;
  if constexpr (!detail::can_be_mapped<effects, element>) {
    (void)sizeof(detail::complaint_about_mapped<effects, element>);
  } else {
    options.ordered = false;
    std::exception_ptr first;
    std::size_t index = 0;
    for (auto const& o : pmap(effects{std::move(fn)}, std::forward<Range>(inputs), options).outcomes()) {
      if (o || (first && index < o.index())) continue;
      first = o.error();
      index = o.index();
    }
    if (first) std::rethrow_exception(first);
  }
}

}  // namespace procx::inline v1
