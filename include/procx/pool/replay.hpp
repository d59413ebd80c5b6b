#pragma once

#include <procx/dispatch/saved_task.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

namespace procx::inline v1 {
namespace detail {

/// The parameters of a callable that is not overloaded, as values.
template <class F>
struct parameters_of : parameters_of<decltype(&F::operator())> {};
template <class R, class... P>
struct parameters_of<R (*)(P...)> {
  using type = std::tuple<std::remove_cvref_t<P>...>;
};
template <class R, class... P>
struct parameters_of<R(P...)> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...)> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...) const> : parameters_of<R (*)(P...)> {};

/// Reads an `Arguments` and calls, if that is what was saved.
template <class Arguments, class Call>
bool replay_with(saved_task const& saved, Call call) {
  if (saved.type != typeid(Arguments).name()) return false;
  saved_blocks blocks(saved);
  input_archive in(saved.arguments, &blocks);
  auto arguments = make<Arguments>(in);
  call(std::move(arguments));
  return true;
}

template <class F, class... Args>
auto replay(saved_task const& saved, F& fn, std::type_identity<std::tuple<Args...>>) {
  using result = std::invoke_result_t<F&, Args...>;
  constexpr bool is_void = std::is_void_v<result>;
  std::conditional_t<is_void, std::monostate, std::optional<result>> value;
  auto const apply = [&](auto arguments) {
    auto const call = [&](auto&&... a) {
      if constexpr (is_void)
        std::invoke(fn, std::move(a)...);
      else
        value.emplace(std::invoke(fn, std::move(a)...));
    };
    std::apply(call, std::move(arguments));
  };
  bool done = replay_with<std::tuple<Args...>>(saved, apply);
  if constexpr (sizeof...(Args) == 1)  // an element of a range, taken whole
    done = done || replay_with<Args...>(saved, [&](auto one) { apply(std::tuple<Args...>(std::move(one))); });
  if constexpr (sizeof...(Args) == 2) done = done || replay_with<std::pair<Args...>>(saved, apply);
  if (!done) refuse_to_replay(saved, typeid(std::tuple<Args...>).name());
  if constexpr (!is_void) return std::move(*value);
}

}  // namespace detail

/// Runs a task that failed once more, in this process: under a debugger, or in a build with a sanitizer.
///
/// The file is one that a pool, a `pmap` or a queue with `save_failures` has written: `task_error::saved_as` names it. It
/// holds the arguments alone; the callable is given here, and may be another one that takes the same. Where its
/// parameters do not say which types were sent (it is generic, or they were converted), name those:
/// `px::replay<int, std::string>(file, fn)`. Returns what the callable returns, throws what it throws. Throws system_error
/// if the file cannot be read, protocol_error if it is not such a file, std::invalid_argument if the arguments are of
/// other types.
/// \code
/// int main(int, char** argv) { std::cout << px::replay(argv[1], parse); }
/// \endcode
template <class... Args, class F>
auto replay(std::filesystem::path const& file, F fn) {
  detail::saved_task const saved = detail::saved_task::load(file);
  if constexpr (sizeof...(Args) > 0)
    return detail::replay(saved, fn, std::type_identity<std::tuple<Args...>>());
  else
    return detail::replay(saved, fn, std::type_identity<typename detail::parameters_of<F>::type>());
}

/// What became of the task when it failed: the beginning of `describe`.
inline std::string saved_failure(std::filesystem::path const& file) { return detail::saved_task::load(file).failure; }

}  // namespace procx::inline v1
