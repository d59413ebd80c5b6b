#pragma once

#include <procx/dispatch/callable_table.hpp>

#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

template <class T>
using sent = std::conditional_t<std::is_convertible_v<std::decay_t<T>, char const*>, std::string,
                                std::remove_cvref_t<T>>;

template <class T>
inline constexpr bool is_tuple = requires { std::tuple_size<T>::value; };

/// A call of `F` with one element of a range: as it is if `F` takes it, else spread over the parameters.
template <class F, class Element>
struct spread_call {
  using argument = sent<Element>;
  static constexpr bool whole = std::is_invocable_v<F&, argument&&>;
  static_assert(whole || is_tuple<argument>, "procx: the callable cannot be called with an element of the range");

  static decltype(auto) call(F& fn, argument&& a) {
    if constexpr (whole)
      return std::invoke(fn, std::move(a));
    else
      return std::apply(fn, std::move(a));
  }
  using result = decltype(call(std::declval<F&>(), std::declval<argument>()));

  static void encode(buffer& out, Element const& element) {
    if constexpr (std::is_same_v<argument, std::remove_cvref_t<Element>>)
      procx::encode<argument>(out, element);
    else
      procx::encode<argument>(out, argument(element));
  }
  static void run(void* object, input_archive& in, output_archive& out) {
    auto a = make<argument>(in);
    call_and_save([&]() -> decltype(auto) { return call(*static_cast<F*>(object), std::move(a)); }, out);
  }
};

}  // namespace procx::inline v1::detail
