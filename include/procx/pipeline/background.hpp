#pragma once

#include <procx/daemon/connection.hpp>
#include <procx/detail/pipeline/serve.hpp>
#include <procx/pipeline/generator.hpp>

#include <filesystem>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unistd.h>

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

/// A function that is called in a daemon.
template <class Signature>
class background_stage;
template <class R, class... P>
class background_stage<R(P...)> {
 public:
  background_stage(std::filesystem::path address, connect_options options)
      : address_(std::move(address)), options_(std::move(options)) {}

  R operator()(P... item) {
    using answer = typename answer_as<R>::type;
    if constexpr (std::is_void_v<R>) {
      ask<void>(std::move(item)...);
    } else if constexpr (std::is_same_v<answer, R>) {
      return ask<R>(std::move(item)...);
    } else {
      return each_of(ask<answer>(std::move(item)...));
    }
  }

 private:
  template <class T>
  static generator<T> each_of(std::vector<T> all) {
    for (T& value : all) co_yield std::move(value);
  }
  template <class Answer>
  Answer ask(P... item) {
    if constexpr (sizeof...(P) == 1)
      return here().template call<Answer>(served_name, std::move(item)...);
    else
      return here().template call<Answer>(served_name, std::tuple<std::decay_t<P>...>(std::move(item)...));
  }
  /// Each process has its own.
  connection& here() {
    if (process_ != ::getpid()) {
      connection_ = std::make_shared<connection>(address_, options_);
      process_ = ::getpid();
    }
    return *connection_;
  }

  std::filesystem::path address_;
  connect_options options_;
  std::shared_ptr<connection> connection_;
  pid_t process_ = 0;
};

}  // namespace detail

/// A stage that is a pipeline in a daemon, started by `basic_pipeline::serve` in this or another program: each item goes there, and
/// what the pipeline there makes of it comes back. `Signature` says how: `R(T)` if it makes one result of each item,
/// `std::optional<R>(T)` if it may drop items, `px::generator<R>(T)` if it may make many, `void(T)` if the results are not wanted
/// here. The parameters of an item that is a tuple are given one by one.
///
/// Each process of the stage has a connection of its own, and an item at a time under way on it: `workers` of them are what the
/// daemon is given at once. They are as good as idle, so that there may be more than processors. An item fails that fails there; all
/// fail, by connection_error, once the daemon has gone, unless the options say for how long to try.
/// \code
/// px::pipeline("shout").add_task(upper, {.workers = 4}).serve(at);
/// auto mine = px::pipeline().add_task(px::background<std::string(std::string)>(at), {.workers = 8}).add_destination(print);
/// \endcode
template <class Signature>
auto background(std::filesystem::path address, connect_options options = {}) {
  return detail::background_stage<Signature>(std::move(address), std::move(options));
}

}  // namespace procx::inline v1
