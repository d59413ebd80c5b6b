#pragma once

#include <procx/detail/pipeline/stage_call.hpp>
#include <procx/wire/codec.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace procx::inline v1::detail {

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
