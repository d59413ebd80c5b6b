#pragma once

#include <procx/wire/travel.hpp>

#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace procx::inline v1::detail {

/// Runs one task in a worker: takes its arguments apart, calls, and writes the result. `object` is the callable as the
/// worker has inherited it, or the function if it is a pointer to one that travels; else it is null, and what travels is
/// in front of the arguments.
using task_entry = void (*)(void* object, input_archive& arguments, output_archive& result);

/// The callables that the workers of a pool know by their place here: those they inherited when they were made.
class callable_table {
 public:
  struct entry {
    task_entry call;
    std::shared_ptr<void> object;
  };

  std::uint32_t add(task_entry call, std::shared_ptr<void> object) {
    entries_.push_back({call, std::move(object)});
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
  entry const& operator[](std::uint32_t i) const { return entries_[i]; }

  /// Instead of a place: the callable travels with the task.
  static constexpr std::uint32_t travels = ~std::uint32_t{0};
  /// Instead of a place: it is called by the name under which it is registered.
  static constexpr std::uint32_t named = travels - 1;
  /// How many callables a worker must know to run such a task.
  static constexpr std::uint32_t needed_for(std::uint32_t callable) noexcept {
    return callable >= named ? 0 : callable + 1;
  }

 private:
  std::vector<entry> entries_;
};

/// What a callable that returns nothing returns.
template <class R>
using result_type = std::conditional_t<std::is_void_v<R>, std::monostate, std::remove_cvref_t<R>>;

template <class F>
void call_and_save(F&& call, output_archive& result) {
  using R = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<R>) {
    call();
    save_to_make(result, std::monostate());
  } else {
    save_to_make<std::remove_cvref_t<R>>(result, call());
  }
}

/// The task that calls an `F` with a tuple of arguments, which came before the task did.
template <class F, class... Args>
void run_inherited(void* object, input_archive& in, output_archive& result) {
  auto arguments = make<std::tuple<Args...>>(in);
  call_and_save([&]() -> decltype(auto) { return std::apply(*static_cast<F*>(object), std::move(arguments)); }, result);
}

/// What there is of a callable that travels beside its address, in front of the arguments.
template <class F>
void save_state(output_archive& out, F const& fn) {
  if constexpr (!is_function_pointer<F>) send_callable(out, fn);
}
/// The callable that `save_state` has written, or the function.
template <class F>
F take_callable(void* function, input_archive& in) {
  if constexpr (is_function_pointer<F>)
    return reinterpret_cast<F>(function);
  else
    return receive_callable<F>(in);
}

/// The same for an `F` that comes with the task.
template <class F, class... Args>
void run_travelling(void* function, input_archive& in, output_archive& result) {
  auto fn = take_callable<F>(function, in);
  auto arguments = make<std::tuple<Args...>>(in);
  call_and_save([&]() -> decltype(auto) { return std::apply(fn, std::move(arguments)); }, result);
}

}  // namespace procx::inline v1::detail
