#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/pipeline/stage_base.hpp>
#include <procx/pipeline/emit.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

struct no_setup {};

/// Whether a function object, or the one that is referred to, has something to do at the end of its process.
template <class F>
concept finishing = requires(std::unwrap_reference_t<F>& fn) { fn.finish(); };

/// Whether a function is only the name of one that a daemon runs.
template <class F>
concept runs_elsewhere = requires(F const& fn) {
  { fn.remote() } -> std::same_as<remote_stage>;
};

/// What a user has given for one stage.
template <class F, class Setup = no_setup, class Teardown = no_setup>
struct stage_spec {
  static constexpr bool has_setup = !std::is_same_v<Setup, no_setup>;
  static constexpr bool has_teardown = !std::is_same_v<Teardown, no_setup>;
  /// Whether there is something to do at the beginning of a process or at its end.
  static constexpr bool has_ends = has_setup || has_teardown || finishing<F>;

  F fn;
  stage_options options;
  Setup setup;
  Teardown teardown;
};

/// A tuple with one more at its end.
template <class... T, class Last>
std::tuple<T..., Last> appended(std::tuple<T...>&& tuple, Last&& last) {
  return std::tuple_cat(std::move(tuple), std::tuple<Last>(std::move(last)));
}

template <class Spec>
struct stage_state {
  using type = void;
};
template <class F, class Setup, class Teardown>
  requires(!std::is_same_v<Setup, no_setup>)
struct stage_state<stage_spec<F, Setup, Teardown>> {
  using type = std::decay_t<std::invoke_result_t<Setup&>>;
};

template <class F>
struct parameters_of<std::reference_wrapper<F>> : parameters_of<F> {};

template <class T>
inline constexpr bool is_emit = false;
template <class T>
inline constexpr bool is_emit<emit<T>> = true;

/// The last of some types.
template <class... T>
struct last_type {
  using type = void;
};
template <class T>
struct last_type<T> {
  using type = T;
};
template <class T, class... More>
  requires(sizeof...(More) > 0)
struct last_type<T, More...> : last_type<More...> {};

/// The emit<T> that a stage's function has as its last parameter; void if it has none.
template <class F>
struct emit_of {
  using type = void;
};
template <class... P>
struct emit_of<types<P...>> {
  using last = std::remove_cvref_t<typename last_type<P...>::type>;
  using type = std::conditional_t<is_emit<last>, last, void>;
};
template <class F>
  requires requires { typename parameters_of<F>::type; }
struct emit_of<F> : emit_of<typename parameters_of<F>::type> {};

/// The types of the parameters that the item's parts go to: all but the last `Dropped`.
template <std::size_t Dropped, class Kept, class... P>
struct item_parameters;
template <std::size_t Dropped, class... Kept, class P, class... More>
  requires(sizeof...(More) + 1 > Dropped)
struct item_parameters<Dropped, types<Kept...>, P, More...>
    : item_parameters<Dropped, types<Kept..., std::decay_t<P>>, More...> {};
template <std::size_t Dropped, class... Kept, class... P>
  requires(sizeof...(P) == Dropped)
struct item_parameters<Dropped, types<Kept...>, P...> {
  using type = std::tuple<Kept...>;
};
template <std::size_t Dropped, class Only, class... P>
  requires(sizeof...(P) == Dropped)
struct item_parameters<Dropped, types<Only>, P...> {
  using type = Only;
};

/// What a first stage takes: its function's parameter, or a tuple of several.
template <class Spec>
struct first_input {};
template <std::size_t Dropped, class Parameters>
struct first_input_of {};
template <std::size_t Dropped, class... P>
struct first_input_of<Dropped, types<P...>> : item_parameters<Dropped, types<>, P...> {};
template <class F, class Setup, class Teardown>
  requires requires { typename parameters_of<F>::type; }
struct first_input<stage_spec<F, Setup, Teardown>>
    : first_input_of<(stage_spec<F, Setup, Teardown>::has_setup ? 1 : 0) +
                         (std::is_void_v<typename emit_of<F>::type> ? 0 : 1),
                     typename parameters_of<F>::type> {};

}  // namespace procx::inline v1::detail
