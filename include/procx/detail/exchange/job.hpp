#pragma once

#include <procx/channel/start.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/task_head.hpp>
#include <procx/exchange/make_parallel.hpp>
#include <procx/exchange/make_reusable.hpp>
#include <procx/wire/codec.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// Tells callables apart: tasks with the same one may follow each other in one process.
using callable_id = std::uint64_t;
callable_id new_callable_id() noexcept;

/// One task of an exchange, without its types.
class job {
 public:
  explicit job(callable_id id) noexcept : id_(id) {}
  virtual ~job() = default;
  job(job const&) = delete;
  job& operator=(job const&) = delete;

  callable_id id() const noexcept { return id_; }

  /// In a process of its own: calls the callable with its channel.
  virtual void run(channel& up) = 0;
  /// To a process that runs the same callable already and waits for parameters. Throws if they cannot be serialized: then
  /// the task needs a process that inherits them.
  virtual void send_parameters(channel& to) = 0;

  /// Whether the callable knows nothing of channels, so that any worker of a pool can run it.
  virtual bool for_workers() const noexcept { return false; }
  /// How a worker runs it, and the callable itself if it cannot travel and must be inherited.
  virtual task_entry entry() const noexcept { return nullptr; }
  /// What workers are told of the callable, if they have not inherited it.
  virtual task_head head() const noexcept { return {}; }
  virtual std::shared_ptr<void> inherited() const { return nullptr; }
  /// Writes the callable, if it travels, and the arguments.
  virtual void encode(output_archive&) {}

 protected:
  [[noreturn]] static void cannot_be_sent() { throw std::invalid_argument("the parameters cannot be serialized"); }

 private:
  callable_id id_;
};

/// The parameter types of a callable after its channel, if it has one signature; else those of the arguments given.
template <class F, class... Args>
struct parameters {
  using type = std::tuple<sent_type<Args>...>;
};
template <class R, class... P, class... Args>
struct parameters<R (*)(channel&, P...), Args...> {
  using type = std::tuple<std::decay_t<P>...>;
};
template <class M>
struct member_parameters;
template <class R, class C, class... P>
struct member_parameters<R (C::*)(channel&, P...)> {
  using type = std::tuple<std::decay_t<P>...>;
};
template <class R, class C, class... P>
struct member_parameters<R (C::*)(channel&, P...) const> : member_parameters<R (C::*)(channel&, P...)> {};
template <class F, class... Args>
  requires requires { typename member_parameters<decltype(&F::operator())>::type; }
struct parameters<F, Args...> : member_parameters<decltype(&F::operator())> {};

/// A callable that works with its channel by itself.
template <class F, class... Args>
class channel_job final : public job {
 public:
  channel_job(callable_id id, std::shared_ptr<F> fn, Args... args)
      : job(id), fn_(std::move(fn)), args_(std::move(args)...) {}

  void run(channel& up) override {
    std::apply([&](Args&... args) { std::invoke(*fn_, up, args...); }, args_);
  }
  void send_parameters(channel& to) override {
    using sent = typename parameters<F, Args...>::type;
    if constexpr (!is_encodable<sent> || !is_encodable<std::tuple<sent_type<Args>...>>)
      cannot_be_sent();
    else if constexpr (std::is_constructible_v<sent, std::tuple<Args...> const&>)
      to.send(std::optional<sent>(sent(args_)));
    else
      to.send(std::optional<std::tuple<sent_type<Args>...>>(args_));
  }

 private:
  std::shared_ptr<F> fn_;
  std::tuple<Args...> args_;
};

/// A plain function, wrapped by make_parallel or make_reusable.
template <class F, class... Args>
class function_job final : public job {
 public:
  function_job(callable_id id, std::shared_ptr<F> fn, Args... args)
      : job(id), fn_(std::move(fn)), args_(std::move(args)...) {}

  void run(channel& up) override {
    std::apply([&](sent_type<Args>&... args) { send_result(up, *fn_, args...); }, args_);
  }
  void send_parameters(channel& to) override {
    if constexpr (can_be_sent)
      to.send(std::optional(args_));
    else
      cannot_be_sent();
  }

  /// What cannot be sent is inherited by a process of its own.
  bool for_workers() const noexcept override { return can_be_sent; }
  task_entry entry() const noexcept override {
    if constexpr (!can_be_sent)
      return nullptr;
    else if constexpr (travels<F>)
      return &run_travelling<F, sent_type<Args>...>;
    else
      return &run_inherited<F, sent_type<Args>...>;
  }
  task_head head() const noexcept override {
    if constexpr (travels<F>)
      return task_head::travelling(entry(), *fn_);
    else
      return {};
  }
  std::shared_ptr<void> inherited() const override {
    if constexpr (travels<F>)
      return nullptr;
    else
      return fn_;
  }
  void encode(output_archive& out) override {
    if constexpr (can_be_sent) {
      if constexpr (travels<F>) save_state(out, *fn_);
      save_to_make(out, args_);
    }
  }

 private:
  static constexpr bool can_be_sent = (is_encodable<sent_type<Args>> && ...);

  std::shared_ptr<F> fn_;
  std::tuple<sent_type<Args>...> args_;
};

template <class F>
inline constexpr bool is_wrapped_function = false;
template <class F>
inline constexpr bool is_wrapped_function<parallel_function<F>> = true;
template <class F>
inline constexpr bool is_wrapped_function<reusable_function<F>> = true;

/// The same number for callables that are surely the same: functions, and objects without state.
template <class F>
callable_id id_of(F const& fn) {
  if constexpr (is_function_pointer<F>) {
    return static_cast<callable_id>(reinterpret_cast<std::uintptr_t>(fn));
  } else if constexpr (std::is_empty_v<F>) {
    static callable_id const id = new_callable_id();
    return id;
  } else {
    return new_callable_id();
  }
}

/// A callable that several jobs share, and the number it goes by.
template <class F>
struct shared_callable {
  callable_id id;
  std::shared_ptr<F> fn;

  explicit shared_callable(F f) : id(id_of(f)), fn(std::make_shared<F>(std::move(f))) {}

  template <class... Args>
  std::unique_ptr<job> with(Args... args) const {
    if constexpr (!std::is_invocable_v<F&, channel&, Args&...>) {
      return (void)sizeof(takes_no_channel<F, Args...>), nullptr;
    } else if constexpr (is_wrapped_function<F>) {
      using function = std::remove_reference_t<decltype(fn->function())>;
      return std::make_unique<function_job<function, Args...>>(id, std::shared_ptr<function>(fn, &fn->function()),
                                                               std::move(args)...);
    } else {
      return std::make_unique<channel_job<F, Args...>>(id, fn, std::move(args)...);
    }
  }
};

}  // namespace procx::inline v1::detail
