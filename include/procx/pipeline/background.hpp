#pragma once

#include <procx/daemon/connect_options.hpp>
#include <procx/detail/pipeline/serve.hpp>
#include <procx/detail/pipeline/stage_call.hpp>
#include <procx/pipeline/generator.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace procx::inline v1 {
namespace detail {

template <class R>
struct answer_as {
  using type = R;
};
template <class T>
struct answer_as<generator<T>> {
  using type = std::vector<T>;
};

/// The name of a function that a daemon runs.
template <class Signature>
class background_stage;
template <class R, class... P>
class background_stage<R(P...)> {
 public:
  background_stage(std::filesystem::path address, connect_options options)
      : address_(std::move(address)), options_(std::move(options)) {}

  R operator()(P...) const;  // only for its types
  remote_stage remote() const {
    return {.address = address_,
            .options = options_,
            .name = name_hash(served_name),
            .fingerprint = signature_fingerprint<answer, item>(),
            .to_call = [](input_archive& in, buffer& call) { save_named_call<answer, item>(call, served_name, make<item>(in)); },
            .each_result = give_each};
  }

 private:
  using answer = typename answer_as<R>::type;
  using item = typename std::conditional_t<sizeof...(P) == 1, std::tuple_element<0, std::tuple<std::decay_t<P>...>>,
                                           std::type_identity<std::tuple<std::decay_t<P>...>>>::type;

  static void give_each([[maybe_unused]] std::span<std::byte const> bytes, [[maybe_unused]] stage_output& to) {
    if constexpr (!std::is_void_v<R>) {
      auto all = decode_portable<answer>(bytes);
      if constexpr (!std::is_same_v<answer, R>) {
        for (auto&& value : all) {
          typename R::value_type result(std::move(value));
          to.give(&result);
        }
      } else if constexpr (!std::is_void_v<typename wrapped<std::optional, R>::type>) {
        if (all) to.give(&*all);
      } else {
        to.give(&all);
      }
    }
  }

  std::filesystem::path address_;
  connect_options options_;
};

}  // namespace detail

/// A stage that is a pipeline in a daemon, started by `basic_pipeline::serve` in this or another program: each item goes there, and
/// what the pipeline there makes of it comes back. `Signature` says how: `R(T)` if it makes one result of each item,
/// `std::optional<R>(T)` if it may drop items, `px::generator<R>(T)` if it may make many, `void(T)` if the results are not wanted
/// here. The parameters of an item that is a tuple are given one by one.
///
/// The stage has no processes: its items are on their way to the daemon and back, `chunk_size` at once, 256 if nothing is said.
/// `start` connects, and throws connection_error if no daemon listens there, protocol_error if it serves something else. An item fails
/// that fails there; all fail, by connection_error, once the daemon has gone, unless the options say for how long to try.
/// \code
/// px::pipeline("shout").add_task(upper, {.workers = 4}).serve(at);
/// auto mine = px::pipeline().add_task(px::background<std::string(std::string)>(at)).add_destination(print);
/// \endcode
template <class Signature>
auto background(std::filesystem::path address, connect_options options = {}) {
  return detail::background_stage<Signature>(std::move(address), std::move(options));
}

}  // namespace procx::inline v1
