#pragma once

#include <procx/memory/shared_vector.hpp>
#include <procx/memory/view.hpp>
#include <procx/wire/travel.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What arguments become where they arrive.

namespace procx::inline v1::detail {

template <class... T>
struct types {};

/// The parameters of a callable that has one signature.
template <class F>
struct parameters_of {};
template <class R, class... P>
struct parameters_of<R (*)(P...)> {
  using type = types<P...>;
};
template <class R, class... P>
struct parameters_of<R(P...)> : parameters_of<R (*)(P...)> {};
template <class R, class... P>
struct parameters_of<R (*)(P...) noexcept> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...)> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...) const> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...) noexcept> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of<R (C::*)(P...) const noexcept> : parameters_of<R (*)(P...)> {};
template <class F>
  requires requires { &F::operator(); }
struct parameters_of<F> : parameters_of<decltype(&F::operator())> {};
template <class F>
struct parameters_of<travelling_lambda<F>> : parameters_of<F> {};

/// What is on the wire as a vector is, and can be had there in place.
template <class T>
inline constexpr bool is_in_place = false;
template <class T>
inline constexpr bool is_in_place<view<T>> = true;
template <class T>
inline constexpr bool is_in_place<shared_vector<T>> = true;

/// A string for a parameter that only points to text: it lasts as long as the call.
class pointed_text {
 public:
  pointed_text() = default;
  explicit pointed_text(std::string text) noexcept : text_(std::move(text)) {}
  operator char const*() const noexcept { return text_.c_str(); }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & text_;
  }

 private:
  std::string text_;
};

/// How it is called in files of saved tasks.
template <class T>
using saved_as = std::conditional_t<std::is_same_v<T, pointed_text>, std::string, T>;

template <class Parameter, class Sent>
struct arrived {
  using type = Sent;
};
template <class Parameter, class T, class Allocator>
  requires is_in_place<Parameter> && std::is_same_v<typename Parameter::value_type, T> && (!std::is_same_v<T, bool>)
struct arrived<Parameter, std::vector<T, Allocator>> {
  using type = Parameter;
};
template <class Parameter, class Sent>
  requires is_in_place<Parameter> && is_in_place<Sent> &&
           std::is_same_v<typename Parameter::value_type, typename Sent::value_type>
struct arrived<Parameter, Sent> {
  using type = Parameter;
};
template <>
struct arrived<char const*, std::string> {
  using type = pointed_text;
};

/// As what a parameter gets something that is sent as a `Sent`: in place, if it asks for that, else as it is.
template <class Parameter, class Sent>
using arrived_type = typename arrived<std::remove_cvref_t<Parameter>, Sent>::type;

template <class F, class... Sent>
struct arrivals_for {
  using type = types<Sent...>;
};
template <class Parameters, class... Sent>
struct arrivals_in {
  using type = types<Sent...>;
};
template <class... P, class... Sent>
  requires(sizeof...(P) == sizeof...(Sent))
struct arrivals_in<types<P...>, Sent...> {
  using type = types<arrived_type<P, Sent>...>;
};
template <class F, class... Sent>
  requires requires { typename parameters_of<F>::type; }
struct arrivals_for<F, Sent...> : arrivals_in<typename parameters_of<F>::type, Sent...> {};

/// The same for all arguments of a call of `F`.
template <class F, class... Sent>
using arrivals = typename arrivals_for<F, Sent...>::type;

/// Writes an argument in the type that the other side reads.
template <class T>
void save_argument(output_archive& out, T const& argument) {
  if constexpr (std::is_same_v<sent_type<T>, T>)
    save_to_make(out, argument);
  else
    save_to_make<sent_type<T>>(out, sent_type<T>(argument));
}

}  // namespace procx::inline v1::detail
