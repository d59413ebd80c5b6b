#pragma once

#include <procx/detail/dispatch/arrival.hpp>

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {
namespace detail {

/// A function that is called with these arguments behind those that it is given.
template <class F, class... Bound>
class bound_back {
 public:
  explicit bound_back(F fn, Bound... bound) : fn_(std::move(fn)), bound_(std::move(bound)...) {}

  template <class... Given>
    requires std::is_invocable_v<F&, Given..., Bound&...>
  decltype(auto) operator()(Given&&... given) {
    return std::apply(
        [&](Bound&... bound) -> decltype(auto) { return std::invoke(fn_, std::forward<Given>(given)..., bound...); }, bound_);
  }

 private:
  F fn_;
  std::tuple<Bound...> bound_;
};

/// The first `N` of some types.
template <std::size_t N, class Taken, class... P>
struct first_types {
  using type = Taken;
};
template <std::size_t N, class... Taken, class P, class... More>
  requires(sizeof...(Taken) < N)
struct first_types<N, types<Taken...>, P, More...> : first_types<N, types<Taken..., P>, More...> {};

template <std::size_t Bound, class Parameters>
struct parameters_before {};
template <std::size_t Bound, class... P>
  requires(sizeof...(P) > Bound)
struct parameters_before<Bound, types<P...>> : first_types<sizeof...(P) - Bound, types<>, P...> {};

template <class F, class... Bound>
  requires requires { typename parameters_of<F>::type; }
struct parameters_of<bound_back<F, Bound...>> : parameters_before<sizeof...(Bound), typename parameters_of<F>::type> {};

}  // namespace detail

/// A function that calls `fn` with what it is given and then with these arguments, of which it has copies: a stage of a pipeline
/// with more to go by than its items. As std::bind_back of C++23, and the parameters that are left can be told from it, so that
/// it may be the first stage.
/// \code
/// .add_task(px::bind_back(scale, 640, 480))
/// \endcode
template <class F, class... Bound>
auto bind_back(F fn, Bound... bound) {
  return detail::bound_back<std::decay_t<F>, Bound...>(std::move(fn), std::move(bound)...);
}

}  // namespace procx::inline v1
