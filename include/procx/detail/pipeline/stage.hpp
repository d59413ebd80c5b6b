#pragma once

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/pipeline/stage_base.hpp>
#include <procx/pipeline/emit.hpp>
#include <procx/pipeline/generator.hpp>
#include <procx/wire/codec.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <typeinfo>
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

template <class T>
inline constexpr bool is_tuple_like = false;
template <class... T>
inline constexpr bool is_tuple_like<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple_like<std::pair<A, B>> = true;

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

/// A stage with its types.
template <class Spec, class In>
class typed_stage final : public stage_base {
  using call = stage_call<Spec, In>;
  using output = typename call::output;
  using state = typename call::state;

 public:
  explicit typed_stage(Spec spec) : spec_(std::move(spec)) {}

  stage_yield yield() const noexcept override { return call::yield; }
  void run([[maybe_unused]] input_archive& item, [[maybe_unused]] stage_output& next) override {
    if constexpr (!runs_elsewhere<decltype(spec_.fn)>) run_on(make<In>(item), next);
  }
  void run([[maybe_unused]] void* item, [[maybe_unused]] stage_output& next) override {
    if constexpr (!runs_elsewhere<decltype(spec_.fn)>) run_on(std::move(*static_cast<In*>(item)), next);
  }
  void save_output([[maybe_unused]] output_archive& out, [[maybe_unused]] void* value) const override {
    if constexpr (!std::is_void_v<output>) save_to_make<output>(out, std::move(*static_cast<output*>(value)));
  }
  std::optional<remote_stage> remote() const override {
    if constexpr (runs_elsewhere<decltype(spec_.fn)>) return spec_.fn.remote();
    return std::nullopt;
  }
  std::type_info const& input() const noexcept override { return typeid(In); }
  std::uint64_t key_of(input_archive& item, stage_key const& key) const override {
    In const made = make<In>(item);
    return *key.of(typeid(In), &made);
  }
  void set_up() override {
    if constexpr (Spec::has_setup) state_.emplace(spec_.setup());
  }
  void tear_down() override {
    std::exception_ptr error;
    if constexpr (finishing<decltype(spec_.fn)>) try {
        static_cast<std::unwrap_reference_t<decltype(spec_.fn)>&>(spec_.fn).finish();
      } catch (...) {
        error = std::current_exception();
      }
    if constexpr (Spec::has_setup) {
      if constexpr (Spec::has_teardown)
        if (state_) spec_.teardown(*state_);
      state_.reset();
    } else if constexpr (Spec::has_teardown) {
      spec_.teardown();
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  void run_on(In&& item, stage_output& next) {
    void* of = nullptr;
    if constexpr (Spec::has_setup) of = &*state_;
    if constexpr (call::yield == stage_yield::one) {
      output made = call::call(spec_.fn, std::move(item), of, next);
      next.give(&made);
    } else if constexpr (call::yield == stage_yield::maybe) {
      std::optional<output> made = call::call(spec_.fn, std::move(item), of, next);
      if (made) next.give(&*made);
    } else if constexpr (!std::is_void_v<typename call::generated>) {
      auto made = call::call(spec_.fn, std::move(item), of, next);
      while (output* const value = made.next()) next.give(value);
    } else {
      static_cast<void>(call::call(spec_.fn, std::move(item), of, next));
    }
  }

  Spec spec_;
  [[no_unique_address]] std::conditional_t<Spec::has_setup, std::optional<std::conditional_t<Spec::has_setup, state, int>>,
                                           no_setup>
      state_;
};

}  // namespace procx::inline v1::detail
