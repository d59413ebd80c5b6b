#pragma once

#include <procx/version.hpp>

#include <procx/detail/dispatch/arrival.hpp>
#include <procx/detail/dispatch/saved_task.hpp>
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

/// Reads what was saved as a `Saved`, if it was, as the types `A`, and calls with them.
template <class Saved, class... A, class Call>
bool replay_with(saved_task const& saved, types<A...>, Call call) {
  if (saved.type != typeid(Saved).name()) return false;
  saved_blocks blocks(saved);
  input_archive in(saved.arguments, &blocks);
  auto arguments = make<std::tuple<A...>>(in);  // on the wire there is nothing between the elements of tuples and pairs
  std::apply(call, std::move(arguments));
  return true;
}

template <class F, class... Sent, class... A>
auto replay(saved_task const& saved, F& fn, types<Sent...>, types<A...> read) {
  using result = std::invoke_result_t<F&, A...>;
  constexpr bool is_void = std::is_void_v<result>;
  std::conditional_t<is_void, std::monostate, std::optional<result>> value;
  auto const call = [&](auto&&... a) {
    if constexpr (is_void)
      std::invoke(fn, std::move(a)...);
    else
      value.emplace(std::invoke(fn, std::move(a)...));
  };
  bool done = replay_with<std::tuple<Sent...>>(saved, read, call);
  if constexpr (sizeof...(Sent) == 1) done = done || replay_with<Sent...>(saved, read, call);  // an element, taken whole
  if constexpr (sizeof...(Sent) == 2) done = done || replay_with<std::pair<Sent...>>(saved, read, call);
  if (!done) refuse_to_replay(saved, typeid(std::tuple<Sent...>).name());
  if constexpr (!is_void) return std::move(*value);
}

template <class F, class... P>
auto replay_by_parameters(saved_task const& saved, F& fn, types<P...>) {
  return replay(saved, fn, types<sent_type<std::remove_cvref_t<P>>...>(),
                types<arrived_type<P, sent_type<std::remove_cvref_t<P>>>...>());
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
    return detail::replay(saved, fn, detail::types<Args...>(), detail::arrivals<F, Args...>());
  else
    return detail::replay_by_parameters(saved, fn, typename detail::parameters_of<F>::type());
}

/// What became of the task when it failed: the beginning of `describe`.
inline std::string saved_failure(std::filesystem::path const& file) { return detail::saved_task::load(file).failure; }

}  // namespace procx::inline v1
