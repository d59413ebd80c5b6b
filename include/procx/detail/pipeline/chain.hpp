#pragma once

#include <procx/detail/pipeline/typed_stage.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// What the compiler says of two stages that do not fit.
template <class Stage, class Item>
struct stage_cannot_be_called_with {
  static_assert(!sizeof(Stage), "procx: a stage of the pipeline cannot be called with what the stage before it makes: both "
                                "types are named above, in stage_cannot_be_called_with<STAGE, ITEM>");
};
template <class Stage>
struct stage_makes_nothing_for_the_next {
  static_assert(!sizeof(Stage), "procx: a stage of the pipeline that returns nothing has another one behind it");
};
template <class Stage>
struct first_stage_must_say_its_parameter {
  static_assert(!sizeof(Stage), "procx: the first stage of a pipeline must be a function of one signature: its parameter says "
                                "what is fed");
};

template <class Spec>
stage_outline outline_of(Spec const& spec, std::size_t place, std::size_t origins, std::size_t tasks) {
  char const* const kind = place < origins ? "origin" : place < origins + tasks ? "task" : "destination";
  stage_outline outline{.options = spec.options, .kind = kind, .has_ends = Spec::has_ends};
  if constexpr (runs_elsewhere<decltype(spec.fn)>) outline.address = spec.fn.remote().address;
  return outline;
}

/// The types of items between stages, from the one that is fed on.
template <class... Specs>
struct stage_types {
  static_assert(sizeof...(Specs) > 0, "procx: a pipeline needs a stage before it can be used");
};

template <class Item, class... Specs>
struct stages_from;
template <class Item>
struct stages_from<Item> {
  using result = Item;
  static constexpr bool fit = true;
  static constexpr stage_yield yield = stage_yield::one;
  static void check() {}
  template <std::size_t I, class Tuple>
  static void make(Tuple&, std::vector<stage_entry>&, std::size_t, std::size_t) {}
};
template <class Item, class Spec, class... More>
struct stages_from<Item, Spec, More...> {
  using call = stage_call<Spec, Item>;
  static constexpr bool goes_on = call::valid && !(sizeof...(More) > 0 && std::is_void_v<typename call::output>);
  using next = std::conditional_t<goes_on, stages_from<typename call::output, More...>, stages_from<void>>;
  using result = typename next::result;
  static constexpr bool fit = goes_on && next::fit;
  /// How many results come of one item.
  static constexpr stage_yield yield = call::yield == stage_yield::none ? stage_yield::none
                                       : next::yield == stage_yield::none ? stage_yield::none
                                       : call::yield == stage_yield::many || next::yield == stage_yield::many
                                           ? stage_yield::many
                                       : call::yield == stage_yield::maybe ? stage_yield::maybe
                                                                           : next::yield;

  static void check() {
    if constexpr (!call::valid)
      static_cast<void>(sizeof(stage_cannot_be_called_with<Spec, Item>));
    else if constexpr (!goes_on)
      static_cast<void>(sizeof(stage_makes_nothing_for_the_next<Spec>));
    else
      next::check();
  }
  template <std::size_t I, class Tuple>
  static void make(Tuple& specs, std::vector<stage_entry>& stages, std::size_t origins, std::size_t tasks) {
    auto& spec = std::get<I>(specs);
    stage_entry entry{{outline_of(spec, I, origins, tasks)}, nullptr};
    entry.stage = std::make_shared<typed_stage<Spec, Item>>(std::move(spec));
    stages.push_back(std::move(entry));
    next::template make<I + 1>(specs, stages, origins, tasks);
  }
};

template <class First, class... More>
struct stage_types<First, More...> {
  template <class Spec>
  static constexpr bool says_its_input = requires { typename first_input<Spec>::type; };
  template <bool Known, class Spec>
  struct known_input {
    using type = int;
  };
  template <class Spec>
  struct known_input<true, Spec> {
    using type = typename first_input<Spec>::type;
  };

  using input = typename known_input<says_its_input<First>, First>::type;
  using all = stages_from<input, First, More...>;
  using result = typename all::result;
  static constexpr bool fit = says_its_input<First> && all::fit;
  static constexpr stage_yield yield = all::yield;

  static void check() {
    if constexpr (!says_its_input<First>)
      static_cast<void>(sizeof(first_stage_must_say_its_parameter<First>));
    else
      all::check();
  }
  template <class Tuple>
  static std::vector<stage_entry> make(Tuple&& specs, std::size_t origins, std::size_t tasks) {
    std::vector<stage_entry> stages;
    if constexpr (fit) all::template make<0>(specs, stages, origins, tasks);
    return stages;
  }
};

}  // namespace procx::inline v1::detail
