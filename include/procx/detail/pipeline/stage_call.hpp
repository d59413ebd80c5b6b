#pragma once

#include <procx/detail/pipeline/stage_spec.hpp>
#include <procx/pipeline/generator.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// The type in the brackets of `Of<T>`; void for another type.
template <template <class> class Of, class T>
struct wrapped {
  using type = void;
};
template <template <class> class Of, class T>
struct wrapped<Of, Of<T>> {
  using type = T;
};

/// How a stage's function is called with an item of this type, and what comes of that. `valid` is false if it cannot be.
template <class Spec, class In>
struct stage_call;
template <class F, class Setup, class Teardown, class In>
struct stage_call<stage_spec<F, Setup, Teardown>, In> {
  using spec = stage_spec<F, Setup, Teardown>;
  using state = typename stage_state<spec>::type;
  using emitter = typename emit_of<F>::type;

  template <class... Item>
  static constexpr bool takes() {
    if constexpr (spec::has_setup && !std::is_void_v<emitter>)
      return std::invocable<F&, Item..., state&, emitter>;
    else if constexpr (spec::has_setup)
      return std::invocable<F&, Item..., state&>;
    else if constexpr (!std::is_void_v<emitter>)
      return std::invocable<F&, Item..., emitter>;
    else
      return std::invocable<F&, Item...>;
  }
  template <class T>
  struct spread_of : std::false_type {};
  template <class... T>
  struct spread_of<std::tuple<T...>> : std::bool_constant<takes<T...>()> {};
  template <class A, class B>
  struct spread_of<std::pair<A, B>> : std::bool_constant<takes<A, B>()> {};

  static constexpr bool takes_whole = takes<In>();
  static constexpr bool spreads = !takes_whole && spread_of<In>::value;
  static constexpr bool valid = takes_whole || spreads;

  /// Calls `f` with the item's parts, the state if there is one, and the emitter.
  template <class Item>
  static decltype(auto) call(F& f, Item&& item, [[maybe_unused]] void* of, [[maybe_unused]] stage_output& next) {
    auto const with = [&]<class... Parts>(Parts&&... parts) -> decltype(auto) {
      if constexpr (spec::has_setup && !std::is_void_v<emitter>)
        return f(std::forward<Parts>(parts)..., *static_cast<std::add_pointer_t<state>>(of), emitter(next));
      else if constexpr (spec::has_setup)
        return f(std::forward<Parts>(parts)..., *static_cast<std::add_pointer_t<state>>(of));
      else if constexpr (!std::is_void_v<emitter>)
        return f(std::forward<Parts>(parts)..., emitter(next));
      else
        return f(std::forward<Parts>(parts)...);
    };
    if constexpr (spreads)
      return std::apply(with, std::forward<Item>(item));
    else
      return with(std::forward<Item>(item));
  }
  template <bool Valid, class = void>
  struct result {
    using type = void;
  };
  template <class Unused>
  struct result<true, Unused> {
    using type = decltype(call(std::declval<F&>(), std::declval<In>(), nullptr, std::declval<stage_output&>()));
  };
  using returned = std::decay_t<typename result<valid>::type>;
  using in_optional = typename wrapped<std::optional, returned>::type;
  using generated = typename wrapped<generator, returned>::type;

  static constexpr stage_yield yield = !std::is_void_v<emitter>       ? stage_yield::many
                                       : !std::is_void_v<generated>   ? stage_yield::many
                                       : std::is_void_v<returned>     ? stage_yield::none
                                       : !std::is_void_v<in_optional> ? stage_yield::maybe
                                                                      : stage_yield::one;
  /// What the next stage gets; void after a stage that makes nothing.
  using output = std::conditional_t<!std::is_void_v<emitter>, typename wrapped<emit, emitter>::type,
                                    std::conditional_t<!std::is_void_v<generated>, generated,
                                    std::conditional_t<!std::is_void_v<in_optional>, in_optional, returned>>>;
};

}  // namespace procx::inline v1::detail
